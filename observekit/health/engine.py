"""All checks of the process: registered by name, run together within a probe's time, their results reused."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from time import monotonic
from typing import get_args

from observekit.errors import RegistrationError
from observekit.guard import in_forked_child
from observekit.health.check import NAME, OWN_PREFIX, Check, Criticality, Probe, Result, Status, as_object
from observekit.health.home import Home
from observekit.health.internal import dependency_of
from observekit.health.refresh import Refresh
from observekit.health.registered import Pace, Registered


def _ignore(*_: object) -> None:
    """Do nothing, where nobody wants to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told what: functions that are quick and do not raise.

    ``observed`` of each run, ``changed`` when a check is taken to
    say something else than before, with what it said, ``capped`` of a check that was to have more time than
    all of a probe have together, and of that, ``blocked`` of one that holds the event loop, and for how long.
    """

    observed: Callable[[Check, Result], None] = _ignore
    changed: Callable[[Check, Status | None, Result], None] = _ignore
    capped: Callable[[Check, float], None] = _ignore
    blocked: Callable[[Check, float], None] = _ignore


@dataclass(frozen=True, slots=True)
class Answer:
    """What the checks of some probes say, each by name."""

    results: tuple[tuple[Check, Result], ...] = field(default=())

    def passed(self, probe: Probe) -> bool:
        """Say whether all required checks of *probe* passed.

        A liveness check that had no chance, because the event loop is stuck or nobody asked it any more, says
        nothing: how long a loop may be stuck is not for the deadline of a check to decide.
        """
        return all(
            result.status == "ok" or (probe == "liveness" and (result.stalled or result.status == "stale"))
            for check, result in self.results
            if check.probe == probe and check.criticality == "required"
        )


class Engine:
    """Runs checks for probes, and before them where somebody refreshes.

    Attributes:
        home: Which event loop asynchronous checks run on.
        refreshed: Says whether runs are begun by ``due()``, so that probes need not.
        startup_over: Says whether the start-up checks have done their work.
        fills: How full each queue of ours is, from 0 to 1, for the check that looks at them.
    """

    __slots__ = (
        "__weakref__",
        "_added",
        "_checks",
        "_clock",
        "_listeners",
        "_pace",
        "fills",
        "home",
        "refreshed",
        "startup_over",
    )

    def __init__(
        self, pace: Pace, listeners: Listeners | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._pace = pace
        self._listeners = Listeners() if listeners is None else listeners
        self._clock = clock
        self._added: list[Callable[[Check], None]] = []
        self._checks: dict[str, Registered] = {}
        self.fills: dict[str, Callable[[], float]] = {}
        self.home = Home()
        self.refreshed: Callable[[], bool] = lambda: False
        self.startup_over: Callable[[], bool] = lambda: False
        in_forked_child(self._start_afresh)

    def add(self, check: Check) -> None:
        """Register a check.

        Raises:
            RegistrationError: If the name is taken or cannot be a label, the check can never be run, or
                liveness would depend on something else than this process.
        """
        check = replace(check, function=as_object(check.function, check.name))
        if problems := list(_problems(check)):
            raise RegistrationError("\n".join(problems))
        registered = Registered(check, self._pace, self._settled, self.home, self._listeners.blocked)
        if self._checks.setdefault(check.name, registered) is not registered:
            raise RegistrationError(
                f"a health check {check.name!r} is registered already; names must differ."
            )
        for tell in self._added:
            tell(check)
        if check.timeout_seconds > self._pace.total_seconds:
            self._listeners.capped(check, self._pace.total_seconds)

    def when_added(self, tell: Callable[[Check], None]) -> None:
        """Tell of each check that is registered, and of those that are."""
        self._added.append(tell)
        for one in list(self._checks.values()):
            tell(one.check)

    def has_checks(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self._checks)

    def names(self, *probes: Probe) -> list[str]:
        """Return the names of the checks of *probes*."""
        return [one.check.name for one in list(self._checks.values()) if one.check.probe in probes]

    async def ask(self, *probes: Probe, leave_out: frozenset[str] = frozenset()) -> Answer:
        """Return what the checks of *probes* say; those that nobody refreshes are run, in parallel."""
        asked = [
            one
            for one in list(self._checks.values())
            if one.check.probe in probes and one.check.name not in leave_out
        ]
        results = await asyncio.gather(*map(self._result, asked)) if asked else []
        return Answer(tuple((one.check, result) for one, result in zip(asked, results, strict=True)))

    def readings(self) -> Iterator[tuple[tuple[str, str, str], float]]:
        """Yield what each check that has run says: 0 failed, 0.5 degraded, 1 ok."""
        now, refreshed = self._clock(), self._is_refreshed()
        for one in list(self._checks.values()):
            check, result = one.check, one.believed(now, refreshed=refreshed and self._goes_on(one))
            if result is not None:
                failed = 0.0 if check.criticality == "required" else 0.5
                value = 1.0 if result.status == "ok" else failed
                yield (check.name, check.probe, check.criticality), value

    def due(self) -> tuple[list[Refresh], float]:
        """Return the runs that are due, none of them for a home that is gone, and when there may be more.

        Returns:
            What to begin, and the seconds until the next is due, ``inf`` where none is.
        """
        now, due, soonest = self._clock(), list[Refresh](), inf
        idle = self._pace.period_seconds == 0 or self.home.is_gone()
        for one in [] if idle else list(self._checks.values()):
            one.plan_first(now)
            if not self._goes_on(one) or one.due is None:
                continue
            if one.due <= now:
                # Until it has settled, or is found to hang.
                one.due = now + self._pace.period_seconds + one.limit_seconds
                due.append(partial(self._refresh, one))
            soonest = min(soonest, one.due - now)
        return due, soonest

    def blocker(self) -> str | None:
        """Return the name of the check that holds the event loop now, if one does."""
        holding = (one.check.name for one in list(self._checks.values()) if one.runner.steps.look())
        return next(holding, None)

    def close(self) -> None:
        """Let go of the threads; checks that are asked again get new ones."""
        for one in list(self._checks.values()):
            one.runner.close()

    def _is_refreshed(self) -> bool:
        return self._pace.period_seconds > 0 and self.refreshed() and not self.home.is_gone()

    def _goes_on(self, one: Registered) -> bool:
        return one.check.probe != "startup" or not self.startup_over()

    async def _result(self, one: Registered) -> Result:
        now = self._clock()
        if now >= one.fresh_until and not self._is_refreshed():
            await self._refresh(one)
        believed = one.believed(self._clock(), refreshed=self._is_refreshed())
        if believed is None:  # The first probe, before the first run that is begun for nobody.
            await self._refresh(one)
            believed = one.standing.shown
        return Result("error", 0.0) if believed is None else believed

    async def _refresh(self, one: Registered) -> None:
        """Run a check, or take note that it hangs still, once a period."""
        result, hangs = await one.runner.run(one.limit_seconds)
        if hangs:
            self._note(one, result, again=True)

    def _settled(self, one: Registered, result: Result) -> None:
        self._listeners.observed(one.check, result)
        self._note(one, result)

    def _note(self, one: Registered, result: Result, *, again: bool = False) -> None:
        noted = one.note(result, self._clock(), again=again)
        if noted.changed:
            self._listeners.changed(one.check, noted.before, result)

    def _start_afresh(self) -> None:
        self.home.leave()
        for one in self._checks.values():
            one.start_afresh()


def _problems(check: Check) -> Iterator[str]:
    if not NAME.fullmatch(check.name):
        yield (
            f"{check.name!r} cannot name a health check; it must be 1 to 64 letters, digits, '_', '.' or "
            "'-', and begin with a letter or digit."
        )
    if check.name.startswith(OWN_PREFIX):
        yield f"{check.name!r} cannot name a health check; names that begin with {OWN_PREFIX!r} are ours."
    for name, value, known in (
        ("probe", check.probe, get_args(Probe)),
        ("criticality", check.criticality, get_args(Criticality)),
    ):
        if value not in known:
            yield f"{name} of check {check.name!r} is {value!r}, but must be one of {', '.join(known)}."
    function: object = check.function
    if not callable(function):
        yield f"check {check.name!r} is {function!r}, but must be a function without arguments."
    seconds: object = check.timeout_seconds
    if not (isinstance(seconds, int | float) and 0 < seconds < inf):
        yield f"timeout_seconds of check {check.name!r} is {seconds!r}, but must be above 0, like 0.5."
    yield from _liveness_problems(check)


def _liveness_problems(check: Check) -> Iterator[str]:
    dependency = dependency_of(check.function) if check.probe == "liveness" else None
    if dependency is not None:
        yield (
            f"check {check.name!r} cannot decide on liveness: it asks {dependency}. What is down elsewhere "
            "is not mended by a restart here, and all instances would be restarted at once. Register it for "
            "readiness."
        )
