"""Every alert with one thing wrong, told the stories of the right one: `python -m tests.rules.mutation`.

Takes minutes: each of about 600 mutants is told stories and false alarms of its alert until one notices.
With ``--table`` it only writes the table of alerts and of what is told of them.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from observekit.dashboards.rules.model import PREFIX
from tests.rules import shipped
from tests.rules.mutants import mutants
from tests.rules.promtool import FalseAlarm, Files, Json, Story, silence_of, told_as
from tests.rules.stories import FALSE_ALARMS, STORIES

_HEAD = """\
# Alerts, and what is told of them

Written by `python -m tests.rules.mutation --table`. A story goes from silence through waiting and firing,
with all labels and annotations, to the end; what stands at the edge of a limit has no name. Both are told to
Prometheus in every run of the tests. Mutants are rules with one thing wrong: a name, a value, a comparison,
a limit, an operator, how long it waits, its severity, an annotation; `python -m tests.rules.mutation` makes
as many, and fails where no case of the alert notices.

| alert | severity | for | stories | false alarms that it is not | at the edge | mutants |
| --- | --- | --- | --- | --- | --- | --- |"""
FILE = Path(__file__).parent / "TABLE.md"


def cases_of(key: str) -> list[Story | FalseAlarm]:
    """Return everything that is told about an alert."""
    return [
        case
        for case in (*STORIES, *FALSE_ALARMS)
        if key == (f"{case.alert}.{case.label_of_pair}" if case.label_of_pair else case.alert)
    ]


def survivors(directory: Path) -> tuple[list[str], int]:
    """Return the mutants that no case has noticed, and how many there were; files go into *directory*."""
    right = {shipped.key(alert): alert for alert in shipped.alerts()}
    told = {key: sorted(cases_of(key), key=_evaluations) for key in right}
    left = list(_all())
    count = len(left)
    for turn in range(max(map(len, told.values()))):
        # Most are noticed by the first case, and need no other.
        files = Files(directory)
        asked = {}
        for number, (key, _, alert) in enumerate(left):
            if turn < len(told[key]):
                name = asked[number] = f"{turn}.{number}"
                _tell(files, name, told[key][turn], (*shipped.needed(right[key])[:-1], alert), right[key])
        wrong = files.run() if asked else {}
        left = [one for number, one in enumerate(left) if not wrong.get(asked.get(number, ""))]
    return [f"{key}: {what}" for key, what, _ in left], count


def _tell(files: Files, name: str, case: Story | FalseAlarm, rules: Sequence[Json], right: Json) -> None:
    test = told_as(case, right) if isinstance(case, Story) else silence_of(case)
    files.add(name, rules, test, step=case.step)


def _all() -> Iterator[tuple[str, str, Json]]:
    for alert in shipped.alerts():
        for what, mutant in mutants(alert):
            yield shipped.key(alert), what, mutant


def _evaluations(case: Story | FalseAlarm) -> float:
    return (case.resolved if isinstance(case, Story) else max(case.at)) / case.step


def mutants_of(key: str) -> int:
    """Return how many mutants there are of an alert."""
    return sum(1 for each, _, _ in _all() if each == key)


def row(alert: Json) -> str:
    """Return the line of the table on an alert."""
    key = shipped.key(alert)
    cases = cases_of(key)
    stories = sum(isinstance(case, Story) for case in cases)
    named = [case.name for case in cases if isinstance(case, FalseAlarm) and case.name]
    edges = len(cases) - stories - len(named)
    told = ", ".join(dict.fromkeys(named)) or "-"
    name = key.removeprefix(PREFIX)
    severity = alert["labels"]["severity"]
    return f"| {name} | {severity} | {alert['for']} | {stories} | {told} | {edges} | {mutants_of(key)} |"


def table() -> str:
    """Return what is told of all alerts, and how many mutants of each that has to be noticed by."""
    return "\n".join([_HEAD, *(row(alert) for alert in shipped.alerts()), ""])


def main() -> int:
    """Write the table, or run all mutants and print those that were not noticed."""
    if "--table" in sys.argv[1:]:
        FILE.write_text(table(), encoding="utf-8")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        left, count = survivors(Path(directory))
    print(*left, sep="\n")  # noqa: T201 -- a command
    print(f"{count} mutants, {len(left)} survived")  # noqa: T201 -- a command
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
