"""The rules and the boards on each Prometheus that there is: ``python -m tests.boards [DIRECTORY ...]``.

Beside the one on the PATH, a directory is one that has ``prometheus`` and ``promtool`` of another generation,
as a package that was unpacked and not installed. Takes minutes for each, and writes the table.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.boards.table import ASKED_BY, FILE, written
from tests.rules import shipped
from tests.rules.stories import FALSE_ALARMS, STORIES

_TESTS = ("tests/boards", "tests/rules")
_ROOT = Path(__file__).parents[2]


def main(directories: list[str]) -> int:
    """Run all of it, and write the table if all of it passed."""
    found = []
    for directory in ["", *directories]:
        path = os.pathsep.join(filter(None, [directory, os.environ["PATH"]]))
        with tempfile.TemporaryDirectory() as place:
            panels = Path(place) / "panels.json"
            environ = {**os.environ, "PATH": path, ASKED_BY: str(panels)}
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_TESTS]
            # What reads the tables that this command, and that of the mutants, are to write.
            command += ["-k", "not table"]
            done = subprocess.run(command, env=environ, cwd=_ROOT, check=False)
            if done.returncode or not panels.exists():
                return 1
            found.append(json.loads(panels.read_text(encoding="utf-8")))
    FILE.write_text(written(found, _head([each["version"] for each in found])), encoding="utf-8")
    return 0


def _head(versions: list[str]) -> list[str]:
    named = " and ".join(re.sub(r"\+.*", "", version) for version in versions)
    alerts, stories, silences = len(shipped.alerts()), len(STORIES), len(FALSE_ALARMS)
    return f"""\
# Boards and rules on real Prometheus

Written by `python -m tests.boards DIRECTORY`, with a Prometheus of another generation in the directory;
nothing is written unless all of this passed on each.

- On Prometheus {named}: `promtool check rules` finds nothing, {stories} stories and {silences} false alarms
  of {alerts} alerts go as told, budgets of a month are right, five alerts reach a webhook through
  Alertmanager, and all rules are healthy.
- Each query of each panel gives series, each of its selectors matches at least one, and nothing is NaN once
  traffic has stopped. The columns are the series that a query gave with All chosen.
- A query that the shop shows has to be answered by the shop alone. What the shop has no occasion to show
  is on a page made from the catalogue ([missing.py](missing.py)), which then counts, too. That proves
  queries and not instruments, which have tests of their own.""".splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
