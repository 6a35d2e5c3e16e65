"""A check with what came of it: until when a result is reused, and when the next run is due."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from threading import RLock
from typing import Final, NamedTuple

from observekit.health.check import Check, Result, Status
from observekit.health.home import Home
from observekit.health.runner import Runner
from observekit.health.standing import Standing

# A result that no run has confirmed for so many periods is stale.
# Source: one late run is bad luck, two are not.
_STALE_PERIODS: Final = 3
# Up to so much of a period later than due, and never earlier, so that instances do not ask in step.
_JITTER: Final = 0.25
# How many periods a check that fails is left alone at most.
# Source: 8 s at the usual 2 s, below the 10 s between two probes of the kubelet.
_BACK_OFF: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How checks are paced.

    ``total_seconds`` is the time all checks of a probe may take together, ``period_seconds`` how long a
    result is reused and the least time between two runs, ``fail_after`` and ``pass_after`` are as Standing
    has them.
    """

    total_seconds: float
    period_seconds: float
    fail_after: int = 1
    pass_after: int = 1


class Noted(NamedTuple):
    """What a check said before a result was taken, and whether it says something else now."""

    before: Status | None
    changed: bool


class Registered:
    """A check of an engine."""

    __slots__ = (
        "_lock",
        "_pace",
        "check",
        "due",
        "failures",
        "fresh_until",
        "runner",
        "stale_from",
        "standing",
    )

    def __init__(
        self,
        check: Check,
        pace: Pace,
        settled: "Callable[[Registered, Result], None]",
        home: Home,
        blocked: Callable[[Check, float], None],
    ) -> None:
        self._lock = RLock()
        self._pace = pace
        self.check = check
        self.runner = Runner(check, partial(settled, self), home, partial(blocked, check))
        self.standing = Standing(pace.fail_after, pace.pass_after)
        self.failures = 0
        self.fresh_until = 0.0
        self.stale_from = 0.0
        self.due: float | None = None

    @property
    def limit_seconds(self) -> float:
        """How long a run may take."""
        return min(self.check.timeout_seconds, self._pace.total_seconds)

    def note(self, result: Result, now: float, *, again: bool = False) -> Noted:
        """Take a result, and plan the next run; one that was taken before counts *again* once a period."""
        with self._lock:
            before = self.standing.status
            if again and now < self.fresh_until:
                return Noted(before, changed=False)
            self.failures = 0 if result.status == "ok" else self.failures + 1
            self.standing.take(result, now)
            period = self._pace.period_seconds
            interval = period * min(_BACK_OFF, 2 ** max(0, min(self.failures, 8) - 1))
            self.fresh_until = now + period
            self.due = now + _later(interval)
            self.stale_from = now + _STALE_PERIODS * interval + self.limit_seconds
            return Noted(before, changed=self.standing.status != before)

    def start_afresh(self) -> None:
        """Forget what was going on, in a forked child."""
        self._lock = RLock()
        self.runner.start_afresh()

    def plan_first(self, now: float) -> None:
        """Plan the first run, unless a probe asks before: within a period, not all at once."""
        if self.due is None:
            self.due = now + self._pace.period_seconds * random.uniform(0.5, 1)  # noqa: S311 -- no secret

    def believed(self, now: float, *, refreshed: bool) -> Result | None:
        """Return what the check says, if there is a result; what nobody refreshes does not get stale."""
        shown = self.standing.shown
        if shown is None or not refreshed or now < self.stale_from:
            return shown
        return replace(shown, status="stale", error=None)


def _later(interval_seconds: float) -> float:
    return interval_seconds * random.uniform(1, 1 + _JITTER)  # noqa: S311 -- no secret
