"""The runbook: a section for each alert, from the same data as the alert."""

from collections.abc import Iterator
from typing import Final

from observekit.dashboards.rules.files import groups, severity
from observekit.dashboards.rules.model import PREFIX, Alert
from observekit.dashboards.rules.parameters import Parameters

_HEAD: Final = """\
# Runbook

What each alert of `observekit rules` means and what to do.
Written by `observekit rules --runbook`, so that it says what the rules say.

- **critical** wakes somebody: users are not served, or a budget of a month is gone within days.
- **warning** wants somebody within the day. **info** helps who is looking already.

The names of all alerts begin with `Observekit`. A condition has to hold for as long as stands beside it
before the alert fires. Change severities with `--severity`, leave alerts out with `--without`.
An alert without numbers behind it is silent, so there are two that tell when numbers are missing:
[TargetDown](#targetdown) and [ServiceAbsent](#serviceabsent).

| Alert | Severity | After | What it says |
| --- | --- | --- | --- |
"""


def runbook(given: Parameters) -> str:
    """Return the whole document."""
    alerts: dict[str, list[Alert]] = {}
    for group in groups(given):
        for alert in group.alerts:
            if alert.name not in given.without:
                alerts.setdefault(alert.name, []).append(alert)
    table = "\n".join(_row(same, given) for _, same in sorted(alerts.items()))
    sections = "\n".join("\n".join(_section(same)) for _, same in sorted(alerts.items()))
    return f"{_HEAD}{table}\n\n{sections}"


def _row(same: list[Alert], given: Parameters) -> str:
    first = same[0]
    severities = ", ".join(dict.fromkeys(severity(alert, given) for alert in same))
    pending = ", ".join(dict.fromkeys(alert.pending for alert in same))
    return f"| [{first.name}](#{first.name.lower()}) | {severities} | {pending} | {first.summary} |"


def _section(same: list[Alert]) -> Iterator[str]:
    first = same[0]
    yield f"## {first.name}\n"
    yield from (f"{text}\n" for text in dict.fromkeys(alert.summary for alert in same))
    yield f"**Impact.** {first.impact}\n"
    yield "**Check first.**\n"
    yield from (f"{number}. {check}" for number, check in enumerate(first.checks, 1))
    yield f"\n**Then.** {first.remedy}\n"
    yield "**What it does not take for this.**\n"
    yield from (f"- *{name.capitalize()}*: {why}" for name, why in first.false_alarms.items())
    yield f"\n**The condition**, as `{PREFIX}{first.name}`; the board `{first.board}` shows more.\n"
    yield "```promql"
    yield from dict.fromkeys(alert.condition.text for alert in same)
    yield "```\n"
