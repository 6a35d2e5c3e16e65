"""What costs beside requests: observations, log lines, pages, and what scrapes do to requests."""

from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import crowd
from benchmarks.budgets import Limit
from benchmarks.child import Measured, ask
from benchmarks.stats import Spread, spread

LINES = (1_000, 10_000, 100_000)
# What the loop is watched with: lines, what makes them, and what a line is one of.
HELD = (
    (10_000, "client_metrics", "histogram"),
    (100_000, "client_metrics", "histogram"),
    (100_000, "client_counters", "counters"),
    (10_000, "collected", "a collector's"),
)


class Rounds(NamedTuple):
    """How many rounds each part is measured for.

    Attributes:
        small: Rounds of what takes less than a second.
        large: Rounds with pages of 100,000 lines, which take prometheus-client a second each.
        crowd: Rounds with scrapers, and the seconds of each run.
    """

    small: int
    large: int
    crowd: tuple[int, int]

    def of(self, lines: int) -> int:
        """Return how many rounds there are for a page of so many lines."""
        return self.large if lines == LINES[-1] else self.small


@dataclass(frozen=True, slots=True)
class Parts:
    """What was measured, by part and name: CPU microseconds of a call, else milliseconds."""

    rounds: Rounds
    found: dict[str, Measured]

    def value(self, part: str, name: str) -> Spread:
        """Return what was measured."""
        return spread(self.found[part][name])

    def ratio(self, part: str, name: str, other: str) -> Spread:
        """Return *name* as a share of *other*, round by round."""
        measured = self.found[part]
        return spread([mine / theirs for mine, theirs in zip(measured[name], measured[other], strict=True)])

    def added(self, part: str, name: str, other: str) -> Spread:
        """Return what *name* has more than *other*, round by round."""
        measured = self.found[part]
        return spread([mine - theirs for mine, theirs in zip(measured[name], measured[other], strict=True)])

    def against(self, limit: Limit) -> float | None:
        """Return what is held to *limit*; nothing where it could not be measured."""
        if not self.found.get(limit.part):
            return None
        if limit.of is None:
            return self.value(limit.part, limit.name).median
        compared = self.added if limit.added else self.ratio
        return compared(limit.part, limit.name, limit.of).median


def measure(rounds: Rounds) -> Parts:
    """Measure all of it, one part after another."""
    print("parts: observations and lines", flush=True)
    found = {"calls": ask("benchmarks.observing", rounds.small)}
    print("parts: child spans", flush=True)
    found["spans"] = ask("benchmarks.spans", rounds.small)
    print("parts: hostile headers", flush=True)
    found["hostile"] = ask("benchmarks.hostile", rounds.small)
    print("parts: ends", flush=True)
    found["ends"] = ask("benchmarks.ends", 1 if rounds.small < 5 else 3)
    for lines in LINES:
        print(f"parts: pages of {lines} lines", flush=True)
        found[f"page-{lines}"] = ask("benchmarks.rendering", lines, rounds.of(lines))
    for lines, put, kind in HELD:
        print(f"parts: the loop during pages of {lines} lines of {kind}", flush=True)
        found[f"loop-{lines}-{kind}"] = ask("benchmarks.holding", lines, rounds.of(lines), put)
    found["crowd"] = crowd.measure(*rounds.crowd)
    return Parts(rounds, found)
