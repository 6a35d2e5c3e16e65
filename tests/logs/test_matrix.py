"""No call of logging can find itself in its own way: see matrix.py, which has a process for each cell."""

import json
import os
import subprocess
import sys

import pytest

from tests.logs.matrix import ACTIONS, PLACES


@pytest.mark.once
@pytest.mark.timeout(180)
def test_no_call_in_any_place_hangs_or_ends_its_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.logs.matrix"],
        # Whoever shuts the kit down gets structlog's own lines for what comes after.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=170,
        check=True,
        # Coverage has a lock that a fork while another thread traces leaves held for ever in the child.
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    )

    codes = json.loads(done.stderr.splitlines()[-1])
    assert codes == {f"{action} in {place}": 0 for place in PLACES for action in ACTIONS}
