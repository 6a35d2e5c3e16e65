"""An engine on a bench: its clock is moved by hand, and what it tells is kept."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from observekit.health.check import Check, CheckFunction, Probe
from observekit.health.engine import Engine, Listeners
from observekit.health.registered import Pace

T = TypeVar("T")
LONG = 30.0
"""Seconds that nothing in these tests takes: a limit for what went wrong."""


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """An engine with a clock, and what it told."""

    def __init__(self, cache_seconds: float = 2.0, total_seconds: float = LONG, **pace: int) -> None:
        self.clock = Clock()
        self.observed: list[tuple[str, str]] = []
        self.changed: list[tuple[str, str | None, str]] = []
        self.blocked: list[str] = []
        self.engine = Engine(
            Pace(total_seconds=total_seconds, period_seconds=cache_seconds, **pace),
            Listeners(
                observed=lambda check, result: self.observed.append((check.name, result.status)),
                changed=lambda check, before, result: self.changed.append(
                    (check.name, before, result.status)
                ),
                blocked=lambda check, _: self.blocked.append(check.name),
            ),
            self.clock,
        )

    def add(self, function: CheckFunction, name: str = "check", **more: Any) -> None:
        given = {"probe": "readiness", "criticality": "required", "timeout_seconds": LONG, **more}
        self.engine.add(Check(name=name, function=function, **given))

    def run(self, question: Coroutine[Any, Any, T]) -> T:
        """Run on an event loop that looks for mistakes."""
        return asyncio.run(question, debug=True)

    async def ask(self, probe: Probe = "readiness") -> tuple[str, ...]:
        return tuple(result.status for _, result in (await self.engine.ask(probe)).results)

    async def ask_anew(self) -> tuple[str, ...]:
        """Ask when all that was cached is old."""
        self.clock.now += 10
        return await self.ask()

    async def ask_until(self, *statuses: str) -> None:
        async with asyncio.timeout(LONG):
            while True:
                if await self.ask_anew() == statuses:
                    return
                await asyncio.sleep(0.001)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LONG):
            while not condition():  # noqa: ASYNC110 -- another thread or loop makes it true
                await asyncio.sleep(0.001)

    def threads(self) -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name.startswith("observekit-check-")]


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**given: Any) -> Bench:
        made.append(Bench(**given))
        return made[-1]

    yield make
    for one in made:
        one.engine.close()
        for thread in one.threads():
            thread.join(LONG)


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
