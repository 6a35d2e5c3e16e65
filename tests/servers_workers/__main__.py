"""The command: all tests of servers with several workers, with every server. It takes some minutes.

With ``--write`` it puts what came of them into TABLE.md; all other arguments are pytest's.
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

# Before anything looks at it, which is done with the imports below.
os.environ["TEST_EVERY_SERVER"] = "yes"

from tests.servers_workers import table
from tests.servers_workers.servers import SERVERS

WRITE = "--write"


class Tally:
    """Counts the tests that there are with each server, and how those that were run came out."""

    def __init__(self) -> None:
        self.outcomes = {server: Counter[str]() for server in SERVERS}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.note(item.nodeid, "tests")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test that is skipped, or whose server does not start, has no more than its set-up.
        if report.when == "call" or report.outcome != "passed":
            self.note(report.nodeid, report.outcome)

    def note(self, test: str, what: str) -> None:
        server = test.rpartition("[")[2].rstrip("]")
        if server in self.outcomes:
            self.outcomes[server][what] += 1

    def write(self) -> None:
        for server, counts in self.outcomes.items():
            numbers = [str(counts[one]) for one in ("tests", "passed", "failed", "skipped")]
            table.put("servers", (server, table.version_of(server), *numbers))


def main() -> int:
    """Run them, and return pytest's exit code."""
    tally = Tally()
    given = [one for one in sys.argv[1:] if one != WRITE]
    code = pytest.main([str(Path(__file__).parent), *given], plugins=[tally])
    if WRITE in sys.argv:
        tally.write()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
