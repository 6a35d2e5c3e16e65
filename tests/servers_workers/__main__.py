"""The command: all tests of servers with several workers, with every server. It takes some minutes.

With ``--write`` it puts what came of them into TABLE.md; all other arguments are pytest's.
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.servers_workers import table
from tests.servers_workers.servers import SERVERS

WRITE = "--write"


class Tally:
    """Counts how the tests of each server came out."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test that is skipped, or whose server does not start, has no more than its set-up.
        if report.when == "call" or report.outcome != "passed":
            server = report.nodeid.rpartition("[")[2].rstrip("]")
            if server in SERVERS:
                self.outcomes.setdefault(server, Counter())[report.outcome] += 1

    def write(self) -> None:
        for server, outcomes in self.outcomes.items():
            numbers = [str(outcomes[one]) for one in ("passed", "failed", "skipped")]
            table.put("servers", (server, table.version_of(server), *numbers))


def main() -> int:
    """Run them, and return pytest's exit code."""
    os.environ["TEST_EVERY_SERVER"] = "yes"
    tally = Tally()
    given = [one for one in sys.argv[1:] if one != WRITE]
    code = pytest.main([str(Path(__file__).parent), *given], plugins=[tally])
    if WRITE in sys.argv:
        tally.write()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
