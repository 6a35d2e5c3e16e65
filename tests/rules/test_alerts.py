"""Every alert fires when it has to and is silent when it has to be, as Prometheus computes it."""

from pathlib import Path

import pytest

from observekit.dashboards.rules.files import groups as made
from observekit.dashboards.rules.model import PREFIX
from observekit.dashboards.rules.parameters import Parameters
from tests.rules import mutation, shipped
from tests.rules.promtool import Files, silence_of, told_as
from tests.rules.stories import FALSE_ALARMS, STORIES

_ALERTS = {shipped.key(alert): alert for alert in shipped.alerts()}


def _key(case: object) -> str:
    pair: str = getattr(case, "label_of_pair", "")
    alert: str = getattr(case, "alert", "")
    return f"{alert}.{pair}" if pair else alert


@pytest.mark.real
@pytest.mark.timeout(300)  # Days of 10,000 evaluations, on a machine that has other things to do.
@pytest.mark.once
def test_every_alert_fires_and_ends_and_no_false_alarm_is_one(tmp_path: Path) -> None:
    files = Files(tmp_path)
    for number, story in enumerate(STORIES):
        rule = _ALERTS[_key(story)]
        files.add(f"{_key(story)}.{number}", shipped.needed(rule), told_as(story, rule), step=story.step)
    for number, case in enumerate(FALSE_ALARMS, len(STORIES)):
        rule = _ALERTS[_key(case)]
        name = f"{_key(case)}.{case.name.replace(' ', '-')}.{number}"
        files.add(name, shipped.needed(rule), silence_of(case), step=case.step)

    told = files.run()

    assert {name: text for name, text in told.items() if text} == {}


def test_every_alert_has_a_story() -> None:
    assert {_key(story) for story in STORIES} == set(_ALERTS)


def test_the_table_says_what_is_told_of_each_alert() -> None:
    assert mutation.FILE.read_text(encoding="utf-8") == mutation.table(), (
        "python -m tests.rules.mutation --table"
    )


def test_every_false_alarm_that_the_runbook_names_has_a_case() -> None:
    named = {
        (PREFIX + alert.name, name)
        for group in made(Parameters())
        for alert in group.alerts
        for name in alert.false_alarms
    }

    assert {(case.alert, case.name) for case in FALSE_ALARMS if case.name} == named
