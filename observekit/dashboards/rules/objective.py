"""Objectives: which share of what has to be good, over which time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from observekit.catalogue.objectives import PERIOD_DAYS
from observekit.dashboards.conditions import JOB, at_least, difference
from observekit.dashboards.promql import Vector, none_is_zero, rate, sum_by
from observekit.dashboards.rules.durations import DAY, MINUTE
from observekit.dashboards.series import Matcher, Series
from observekit.errors import ConfigError

# Source: ten events, so that one more or less is a tenth and a service of a few requests an hour is silent.
MINIMUM_BAD_EVENTS: Final = 10
MINIMUM_BAD_SLICES: Final = 2
SLICES: Final = (MINUTE, 5 * MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What is counted: all events, and either the bad or the good ones of them, all cumulative series."""

    total: Series
    bad: Series | None = None
    good: Series | None = None

    def requests(self, window: str, here: tuple[Matcher, ...]) -> Vector:
        """Return the events per second of each service."""
        return _rated(self.total, window, here)

    def errors(self, window: str, here: tuple[Matcher, ...]) -> Vector:
        """Return the bad events per second of each service, 0 where there are none."""
        everything = self.requests(window, here)
        if self.bad is not None:
            return none_is_zero(_rated(self.bad, window, here), everything)
        if self.good is None:
            raise ConfigError("An indicator counts bad or good events beside all of them.")
        good = none_is_zero(_rated(self.good, window, here), everything)
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
        return f"{plain(self.target * 100)} %"


def plain(number: Decimal) -> str:
    """Return *number* with at most six digits that count, and no more of them than needed."""
    return f"{Decimal(f'{number:.6g}').normalize():f}"


def _rated(series: Series, window: str, here: tuple[Matcher, ...]) -> Vector:
    return sum_by(rate(replace(series, matchers=(*series.matchers, *here)), window), *JOB)


def _problems(given: Objective) -> Iterator[str]:
    what = f"Objective {given.name!r}:"
    for name, share in (
        ("target", given.target),
        *((("slice target", given.slices.target),) if given.slices else ()),
    ):
        if not 0 < share < 1:
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
    if given.minimum_bad < 1:
        yield f"{what} its minimum of bad events is {given.minimum_bad}, but must be at least 1."
