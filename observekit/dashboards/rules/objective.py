"""Objectives: which share of what has to be good, over which time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from observekit.catalogue.objectives import PERIOD_DAYS
from observekit.dashboards.conditions import JOB, at_least, difference
from observekit.dashboards.promql import Vector, none_is_zero, rate, sum_by
from observekit.dashboards.rules.durations import DAY, MINUTE
from observekit.dashboards.series import TARGET, Matcher, Series
from observekit.errors import ConfigError

# Source: ten events, so that one more or less is a tenth and a service of a few requests an hour is silent.
MINIMUM_BAD_EVENTS: Final = 10
MINIMUM_BAD_SLICES: Final = 2
SLICES: Final = (MINUTE, 5 * MINUTE)

_LABEL: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED: Final = frozenset(
    {*TARGET, "alertname", "alertstate", "le", "long_window", "severity", "short_window", "slo"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What is counted: all events, and either the bad or the good ones of them, all cumulative series."""

    total: Series
    bad: Series | None = None
    good: Series | None = None

    @property
    def jobs(self) -> tuple[Matcher, ...]:
        """Which services it is about."""
        return tuple(dict.fromkeys(each for each in self.total.matchers if each.label == "job"))

    def among(self, here: tuple[Matcher, ...]) -> "Indicator":
        """Return the same of those services alone that pass *here*."""
        parts = {"total": self.total, "bad": self.bad, "good": self.good}
        narrowed = {
            name: replace(series, matchers=tuple(dict.fromkeys((*series.matchers, *here))))
            for name, series in parts.items()
            if series is not None
        }
        return replace(self, **narrowed)

    def requests(self, window: str) -> Vector:
        """Return the events per second of each service."""
        return _rated(self.total, window)

    def errors(self, window: str) -> Vector:
        """Return the bad events per second of each service, 0 where there are none."""
        everything = self.requests(window)
        if self.bad is not None:
            return none_is_zero(_rated(self.bad, window), everything)
        if self.good is None:
            raise ConfigError("An indicator counts bad or good events beside all of them.")
        good = none_is_zero(_rated(self.good, window), everything)
        # The rates of two series are estimates: where all is good, the difference may fall below nothing.
        return at_least(difference(everything, good), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """A service is judged by pieces of time: ``seconds`` long, good if ``target`` of the events in it are."""

    seconds: int
    target: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A share of good events, with ``slices`` of good slices, that a service promises over ``period_days``.

    ``minimum_bad`` events, or slices, have to be bad in the long window before an alert of burning fires.
    ``labels`` stand on everything that is recorded and on the alerts.

    Raises:
        ConfigError: If it cannot be kept or missed.
    """

    name: str
    description: str
    target: Decimal
    indicator: Indicator
    period_days: int = 30
    slices: Slices | None = None
    minimum_bad: int = MINIMUM_BAD_EVENTS
    labels: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""

    def __post_init__(self) -> None:
        if told := " ".join(_problems(self)):
            raise ConfigError(told)

    @property
    def period(self) -> int:
        """The length of the period in seconds."""
        return self.period_days * DAY

    @property
    def budget(self) -> Decimal:
        """The share that may be bad."""
        return 1 - self.target

    @property
    def told(self) -> str:
        """The target as a person says it, like ``99.9 %``."""
        return f"{exact(self.target * 100)} %"


def plain(number: Decimal) -> str:
    """Return *number*, the result of a division, with at most six digits that count."""
    return exact(Decimal(f"{number:.6g}"))


def exact(number: Decimal) -> str:
    """Return *number* as it is, without zeros at its end: nine nines are not one."""
    return f"{number.normalize():f}"


def _rated(series: Series, window: str) -> Vector:
    return sum_by(rate(series, window), *JOB)


def _problems(given: Objective) -> Iterator[str]:
    what = f"Objective {given.name!r}:"
    for name, share in (
        ("target", given.target),
        *((("slice target", given.slices.target),) if given.slices else ()),
    ):
        if not (share.is_finite() and 0 < share < 1):
            yield (
                f"{what} its {name} is {share}, but must lie between 0 and 1, like 0.999; 1 leaves no "
                "budget, "
                "and the first failure would miss it."
            )
    if given.period_days not in PERIOD_DAYS:
        allowed = " or ".join(f"{days}d" for days in PERIOD_DAYS)
        yield f"{what} its time window is {given.period_days}d, but must be {allowed}."
    if given.slices and given.slices.seconds not in SLICES:
        yield f"{what} its slices are {given.slices.seconds} s long, but must be 1m or 5m."
    yield from _label_problems(what, given.labels)
    if given.minimum_bad < 1:
        yield f"{what} its minimum of bad events is {given.minimum_bad}, but must be at least 1."


def _label_problems(what: str, labels: Mapping[str, str]) -> Iterator[str]:
    for name, value in labels.items():
        if not _LABEL.fullmatch(name) or name in _RESERVED:
            yield (
                f"{what} its label {name!r} must be letters, digits and _, as Prometheus has them, and none "
                f"that the rules set themselves: {', '.join(sorted(_RESERVED))}."
            )
        if not value.isprintable() or "{{" in value:
            yield (
                f"{what} its label {name} is {value!r}, but must be printable, without {{{{, which "
                "Prometheus would read as a template."
            )
