"""Rules as data: what is recorded, what alerts, and what a person who is woken needs to be told."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from observekit.dashboards.promql import Vector
from observekit.dashboards.series import Matcher, no_such_label
from observekit.errors import CatalogueError

Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")
"""Critical wakes somebody, warning wants somebody within the day, info helps who is looking already."""

PREFIX: Final = "Observekit"
"""Begins the name of each alert, so that boards and silences can mean all of them."""

_RECORD: Final = re.compile(r"[a-z][a-z0-9_]*(:[a-z][a-zA-Z0-9_]*){1,2}")
_ALERT: Final = re.compile(r"([A-Z][a-z]+)+")
_IN_TEMPLATE: Final = re.compile(r"\$labels\.(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A series that Prometheus computes; the name is level, metric and operations with colons between.

    Raises:
        CatalogueError: If the name has another form.
    """

    name: str
    query: Vector
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _RECORD.fullmatch(self.name):
            raise CatalogueError(f"rule {self.name!r}: the name must be level:metric:operations.")

    def read(self, *matchers: Matcher) -> Vector:
        """Return what is recorded, as far as it passes *matchers*."""
        return selected(self.name, self.query.labels | self.labels.keys(), matchers)

    def json(self) -> dict[str, object]:
        """Return Prometheus' form."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.name, "expr": self.query.text, **labels}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A condition that somebody has to know of, and what to do then.

    ``finding`` says what was found, as a template over labels and the value; ``checks`` are the first three
    things to look at. ``impact``, ``remedy`` and ``false_alarms`` (a name, and why it stays silent) stand in
    the runbook. ``board`` is the uid of the board that shows more.

    Raises:
        CatalogueError: If something of it is missing or names a label that the condition has not.
    """

    name: str
    severity: Severity
    condition: Vector
    pending: str
    keep_firing: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str
    finding: str
    checks: tuple[str, str, str]
    impact: str
    remedy: str
    false_alarms: Mapping[str, str] = field(default_factory=dict)
    board: str = "observekit-service"

    def __post_init__(self) -> None:
        if told := "; ".join(_problems(self)):
            raise CatalogueError(f"alert {self.name!r}: {told}.")

    @property
    def description(self) -> str:
        """What was found, and the first three things to check."""
        numbered = " ".join(f"{number}. {check}" for number, check in enumerate(self.checks, 1))
        return f"{self.finding} Check first: {numbered}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that Prometheus evaluates one after the other, every *interval*."""

    name: str
    interval: str
    recordings: tuple[Recording, ...] = ()
    alerts: tuple[Alert, ...] = ()


def selected(name: str, labels: frozenset[str], matchers: tuple[Matcher, ...]) -> Vector:
    """Return the recorded series *name*, which has *labels*, as far as they pass *matchers*.

    Raises:
        CatalogueError: If one of them is about another label.
    """
    if told := [no_such_label(each.label, labels) for each in matchers if each.label not in labels]:
        raise CatalogueError(f"{name}: {'; '.join(told)}.")
    return Vector(f"{name}{{{','.join(map(str, matchers))}}}" if matchers else name, labels)


def _problems(alert: Alert) -> Iterator[str]:
    if not _ALERT.fullmatch(alert.name):
        yield "the name must be words in CamelCase"
    texts = {
        "summary": alert.summary,
        "finding": alert.finding,
        "impact": alert.impact,
        "remedy": alert.remedy,
    }
    for name, text in texts.items():
        if not text.endswith("."):
            yield f"{name} must be sentences that end in a full stop"
    if not all(check.endswith(".") for check in alert.checks):
        yield "each check must be a sentence that ends in a full stop"
    if "{{" in alert.summary:
        yield "the summary must be the same each time"
    for label in _IN_TEMPLATE.findall(alert.finding):
        if label not in alert.condition.labels | alert.labels.keys():
            yield no_such_label(label, alert.condition.labels)
