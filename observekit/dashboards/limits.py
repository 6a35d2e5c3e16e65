"""Where a panel changes its colour, and why there."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The colour of the lowest values, and from which value on another colour holds."""

    base: str
    steps: tuple[tuple[float, str], ...] = ()

    def json(self) -> dict[str, object]:
        """Return what Grafana calls thresholds; its lowest step has no value."""
        steps = ((None, self.base), *self.steps)
        return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


NEUTRAL: Final = Thresholds("blue")
"""For numbers that are neither good nor bad by themselves."""

UNKNOWN: Final = "text"
"""The colour of words that stand where no value is: that of all other text, neither good nor bad."""

LATENCY_TARGET_SECONDS: Final = 0.25
"""What the share of quick requests is measured against.

Source: a bound of the request histogram, a quarter of the second at which people lose their thread.
"""

# Source: Nielsen, Usability Engineering (1993), section 5.5: above one second the flow of thought breaks.
LATENCY: Final = Thresholds("green", ((LATENCY_TARGET_SECONDS, "yellow"), (1.0, "red")))

# Source: below 0.95 the 95th percentile itself is slower than the target, below 0.99 the 99th is.
QUICK_SHARE: Final = Thresholds("red", ((0.95, "yellow"), (0.99, "green")))

# Source: Site Reliability Workbook, chapter 5, for an objective of 99.9 %: burn rates 1 and 14.4.
ERROR_RATIO: Final = Thresholds("green", ((0.001, "yellow"), (0.0144, "red")))

# Source: node_exporter's mixin warns at 70 % of the file descriptors and is critical at 90 %.
FILE_DESCRIPTORS: Final = Thresholds("green", ((0.7, "yellow"), (0.9, "red")))

# Source: the interpreter lock lets a process run Python on one core; in an M/M/1 queue, requests take five
# times as long at a load of 0.8 as at none.
CPU_CORES: Final = Thresholds("green", ((0.8, "yellow"), (1.0, "red")))

# Source: a target that does not answer within the usual 10 s is lost; a tenth of it leaves room to grow.
SCRAPE: Final = Thresholds("green", ((1.0, "yellow"), (5.0, "red")))

# Source: increase() extrapolates, so that one event over a short window may count as less than one.
NONE_WANTED: Final = Thresholds("green", ((0.001, "red"),))

# Source: not one instance answers scrapes. With one of ten all is not well, so that is not green.
SOME: Final = Thresholds("red", ((1.0, UNKNOWN),))

# Source: one that does not answer is one too many. A service without targets misses none, and is not well.
MISSING: Final = Thresholds(UNKNOWN, ((1.0, "red"),))

READY: Final = Thresholds("red", ((1.0, "green"),))
"""For one instance: 1 while all its processes are ready."""

# Source: Prometheus keeps a sample that is not followed by another for 5 min; two are several scrapes.
LAST_SEEN: Final = Thresholds("green", ((120.0, "yellow"), (300.0, "red")))

# Source: observekit gives a check 0.8 s; half of it leaves room for one bad moment.
CHECK_DURATION: Final = Thresholds("green", ((0.4, "yellow"), (0.8, "red")))

# Source: the values of observekit_health_check_status: 0 failed, 0.5 degraded, 1 ok.
CHECK_STATUS: Final = Thresholds("red", ((0.5, "yellow"), (1.0, "green")))

# Source: the alert EventLoopLagging; a tenth of a second is what people feel as an answer at once.
LOOP_LAG: Final = Thresholds("green", ((0.1, "yellow"), (0.25, "red")))

# Source: the alert CpuThrottled, and a tenth of the time as a first sign.
THROTTLED: Final = Thresholds("green", ((0.1, "yellow"), (0.25, "red")))

# Source: a tenth of the time waited is felt in the slowest twentieth of requests, half of it in all of them.
PRESSURE_SHARE: Final = Thresholds("green", ((0.1, "yellow"), (0.5, "red")))

# Source: the alert MemoryNearLimit, and a quarter left as a first sign.
MEMORY_SHARE: Final = Thresholds("green", ((0.75, "yellow"), (0.9, "red")))

# Source: Site Reliability Workbook, chapter 5: at 1 the budget is just kept, 6 and 14.4 wake somebody.
BURN_RATE: Final = Thresholds("green", ((1.0, "yellow"), (6.0, "red")))

# Source: below nothing the objective is missed; a quarter left is when releases are thought over twice.
BUDGET_LEFT: Final = Thresholds("red", ((0.0, "yellow"), (0.25, "green")))

# Source: the alert ScrapeSlow; Prometheus gives a scrape 10 s unless told otherwise.
WHOLE_SCRAPE: Final = Thresholds("green", ((4.0, "yellow"), (8.0, "red")))

# Source: the alert ClockSkew; a scrape may take 10 s.
CLOCK_OFFSET: Final = Thresholds("green", ((5.0, "yellow"), (15.0, "red")))
