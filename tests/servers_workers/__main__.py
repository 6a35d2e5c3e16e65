"""The command: all tests of servers with several workers, with every server. It takes some minutes."""

import os
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    os.environ["TEST_EVERY_SERVER"] = "yes"
    sys.exit(pytest.main([str(Path(__file__).parent), *sys.argv[1:]]))
