"""All checks of the process: registered by name, run together within a probe's time, their results reused."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from typing import Final, get_args

from observekit.errors import RegistrationError
from observekit.guard import in_forked_child
from observekit.health.check import Check, Criticality, Probe, Result, Runner, Status
from observekit.health.home import Home

# A name is a label value and a part of a path.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Observed = Callable[[Check, Result], None]
Changed = Callable[[Check, Status | None, Result], None]
Capped = Callable[[Check, float], None]


def _ignore(*_: object) -> None:
    """Do nothing, where nobody wants to be told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the checks of some probes say, each by name."""

    results: tuple[tuple[Check, Result], ...]

    def passed(self, probe: Probe) -> bool:
        """Say whether all required checks of *probe* passed.

        A liveness check that had no chance, because the event loop is stuck, says nothing: how long a loop
        may be stuck is not for the deadline of a check to decide.
        """
        return all(
            result.status == "ok" or (probe == "liveness" and result.stalled)
            for check, result in self.results
            if check.probe == probe and check.criticality == "required"
        )


class _Registered:
    """A check with its last result, and until when that is reused."""

    __slots__ = ("check", "fresh_until", "last", "runner")

    def __init__(self, check: Check, settled: "Callable[[_Registered, Result], None]", home: Home) -> None:
        self.check = check
        self.runner = Runner(check, partial(settled, self), home)
        self.last: Result | None = None
        self.fresh_until = 0.0


class Engine:
    """Runs checks for probes.

    Args:
        total_seconds: Time all checks of a probe may take together.
        cache_seconds: How long a result is reused.
        observed: Told each run.
        changed: Told when a check has another status than before, with the one before.
        capped: Told of a check that was to have more time than *total_seconds*, and of those.

    Attributes:
        home: Which event loop asynchronous checks run on.
    """

    __slots__ = (
        "__weakref__",
        "_cache",
        "_capped",
        "_changed",
        "_checks",
        "_clock",
        "_observed",
        "_total",
        "home",
    )

    def __init__(
        self,
        total_seconds: float,
        cache_seconds: float,
        observed: Observed = _ignore,
        changed: Changed = _ignore,
        clock: Callable[[], float] = monotonic,
        *,
        capped: Capped = _ignore,
    ) -> None:
        self._total = total_seconds
        self._cache = cache_seconds
        self._observed = observed
        self._changed = changed
        self._capped = capped
        self._clock = clock
        self._checks: dict[str, _Registered] = {}
        self.home = Home()
        in_forked_child(self._start_afresh)

    def add(self, check: Check) -> None:
        """Register a check.

        Raises:
            RegistrationError: If the name is taken or cannot be a label, or the check can never be run.
        """
        if problems := list(_problems(check)):
            raise RegistrationError("\n".join(problems))
        registered = _Registered(check, self._settled, self.home)
        if self._checks.setdefault(check.name, registered) is not registered:
            raise RegistrationError(
                f"a health check {check.name!r} is registered already; names must differ."
            )
        if check.timeout_seconds > self._total:
            self._capped(check, self._total)

    async def ask(self, *probes: Probe) -> Answer:
        """Run the checks of *probes* that have no fresh result, in parallel."""
        asked = [one for one in list(self._checks.values()) if one.check.probe in probes]
        results = await asyncio.gather(*map(self._result, asked)) if asked else []
        return Answer(tuple((one.check, result) for one, result in zip(asked, results, strict=True)))

    def readings(self) -> Iterator[tuple[tuple[str, str, str], float]]:
        """Yield the last result of each check that has run: 0 failed, 0.5 degraded, 1 ok."""
        for one in list(self._checks.values()):
            check, result = one.check, one.last
            if result is not None:
                failed = 0.0 if check.criticality == "required" else 0.5
                value = 1.0 if result.status == "ok" else failed
                yield (check.name, check.probe, check.criticality), value

    def close(self) -> None:
        """Let go of the threads; checks that are asked again get new ones."""
        for one in list(self._checks.values()):
            one.runner.close()

    async def _result(self, one: _Registered) -> Result:
        if one.last is not None and self._clock() < one.fresh_until:
            return one.last
        return await one.runner.run(min(one.check.timeout_seconds, self._total))

    def _settled(self, one: _Registered, result: Result) -> None:
        before, one.last = one.last, result
        one.fresh_until = self._clock() + self._cache
        self._observed(one.check, result)
        status = None if before is None else before.status
        if status != result.status:
            self._changed(one.check, status, result)

    def _start_afresh(self) -> None:
        self.home.leave()
        for one in self._checks.values():
            one.runner.start_afresh()


def _problems(check: Check) -> Iterator[str]:
    if not _NAME.fullmatch(check.name):
        yield (
            f"{check.name!r} cannot name a health check; it must be 1 to 64 letters, digits, '_', '.' or "
            "'-', and begin with a letter or digit."
        )
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
