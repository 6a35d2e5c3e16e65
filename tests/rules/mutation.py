"""Every alert with one thing wrong, told the stories of the right one: `python -m tests.rules.mutation`.

Takes minutes: each of about 600 mutants is told all stories and false alarms of its alert.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.rules import shipped
from tests.rules.mutants import mutants
from tests.rules.promtool import FalseAlarm, Files, Json, Story, silence_of, told_as
from tests.rules.stories import FALSE_ALARMS, STORIES


def cases_of(key: str) -> list[Story | FalseAlarm]:
    """Return everything that is told about an alert."""
    return [
        case
        for case in (*STORIES, *FALSE_ALARMS)
        if key == (f"{case.alert}.{case.label_of_pair}" if case.label_of_pair else case.alert)
    ]


def survivors(directory: Path, *, every: int, longest: int) -> tuple[list[str], int]:
    """Return the mutants that no case has noticed, and how many there were.

    Args:
        directory: Where the files go.
        every: Take each mutant whose number divides by it.
        longest: Leave out cases that go on for more minutes.
    """
    files = Files(directory)
    told: dict[str, list[str]] = {}
    for number, (key, what, alert) in enumerate(_all()):
        cases = [case for case in cases_of(key) if _length(case) <= longest]
        if number % every or not cases:
            continue
        names = told[f"{key}: {what}"] = []
        for index, case in enumerate(cases):
            names.append(f"{number}.{index}")
            right = next(each for each in shipped.alerts() if shipped.key(each) == key)
            test = told_as(case, right) if isinstance(case, Story) else silence_of(case)
            files.add(names[-1], [*shipped.needed(right)[:-1], alert], test, step=case.step)
    wrong = files.run()
    return [what for what, names in told.items() if not any(wrong[name] for name in names)], len(told)


def _all() -> Iterator[tuple[str, str, Json]]:
    for alert in shipped.alerts():
        for what, mutant in mutants(alert):
            yield shipped.key(alert), what, mutant


def _length(case: Story | FalseAlarm) -> int:
    return case.resolved if isinstance(case, Story) else max(case.at)


def main() -> int:
    """Run all of them and print those that were not noticed."""
    with tempfile.TemporaryDirectory() as directory:
        left, count = survivors(Path(directory), every=1, longest=10_000)
    print(*left, sep="\n")  # noqa: T201 -- a command
    print(f"{count} mutants, {len(left)} survived")  # noqa: T201 -- a command
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
