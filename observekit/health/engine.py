"""All checks of the process: registered by name, run together within a probe's time, their results reused."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

from observekit.errors import RegistrationError
from observekit.health.check import Check, Probe, Result, Runner, Status

# A name is a label value and a part of a path.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Observed = Callable[[Check, Result], None]
Changed = Callable[[Check, Status | None, Result], None]


def _ignore(*_: object) -> None:
    """Do nothing, where nobody wants to be told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the checks of a probe say: whether all required ones passed, and each by name."""

    passed: bool
    results: tuple[tuple[Check, Result], ...]


class Engine:
    """Runs checks for probes.

    Args:
        total_seconds: Time all checks of a probe may take together.
        cache_seconds: How long a result is reused.
        observed: Told each run.
        changed: Told when a check has another status than before, with the one before.
    """

    __slots__ = ("_cache", "_changed", "_clock", "_fresh_until", "_observed", "_runners", "_total")

    def __init__(
        self,
        total_seconds: float,
        cache_seconds: float,
        observed: Observed = _ignore,
        changed: Changed = _ignore,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._total = total_seconds
        self._cache = cache_seconds
        self._observed = observed
        self._changed = changed
        self._clock = clock
        self._runners: dict[str, Runner] = {}
        self._fresh_until: dict[str, float] = {}

    def add(self, check: Check) -> None:
        """Register a check.

        Raises:
            RegistrationError: If the name is taken or cannot be a label.
        """
        if not _NAME.fullmatch(check.name):
            raise RegistrationError(
                f"{check.name!r} cannot name a health check; it must be 1 to 64 letters, digits, '_', '.' or "
                "'-', and begin with a letter or digit."
            )
        if check.name in self._runners:
            raise RegistrationError(
                f"a health check {check.name!r} is registered already; names must differ."
            )
        self._runners[check.name] = Runner(check)

    async def ask(self, probe: Probe) -> Answer:
        """Run the checks of *probe* that have no fresh result, in parallel."""
        runners = [runner for runner in self._runners.values() if runner.check.probe == probe]
        results = await asyncio.gather(*map(self._result, runners))
        told = tuple((runner.check, result) for runner, result in zip(runners, results, strict=True))
        passed = all(result.status == "ok" for check, result in told if check.criticality == "required")
        return Answer(passed, told)

    def readings(self) -> Iterator[tuple[tuple[str, str, str], float]]:
        """Yield the last result of each check that has run: 0 failed, 0.5 degraded, 1 ok."""
        for runner in list(self._runners.values()):
            check, result = runner.check, runner.last
            if result is not None:
                failed = 0.0 if check.criticality == "required" else 0.5
                value = 1.0 if result.status == "ok" else failed
                yield (check.name, check.probe, check.criticality), value

    async def _result(self, runner: Runner) -> Result:
        name, before = runner.check.name, runner.last
        if before is not None and self._clock() < self._fresh_until.get(name, 0.0):
            return before
        result = await runner.run(min(runner.check.timeout_seconds, self._total))
        if runner.last is result:
            self._note(runner.check, before, result)
        return result

    def _note(self, check: Check, before: Result | None, result: Result) -> None:
        if self._clock() < self._fresh_until.get(check.name, 0.0):
            return  # Another probe waited for the same run and noted it.
        self._fresh_until[check.name] = self._clock() + self._cache
        self._observed(check, result)
        status = None if before is None else before.status
        if status != result.status:
            self._changed(check, status, result)
