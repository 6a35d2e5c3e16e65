"""Ten ways for a check to misbehave, all at once: each is told as what it is, and costs others nothing."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


class Rude(BaseException):
    """What nobody expects."""

    def __str__(self) -> str:
        raise RuntimeError("not even this")


class Check:
    """Checks that misbehave until they are told to end."""

    def __init__(self) -> None:
        self.release = Event()

    def hangs_on_its_thread(self) -> None:
        self.release.wait(LONG)

    async def hangs_on_the_loop(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def swallows_its_cancellation(self) -> None:
        while not self.release.is_set():
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    def raises_what_nobody_expects(self) -> None:
        raise Rude

    async def exits(self) -> None:
        sys.exit(3)

    def recurses(self) -> object:
        return self.recurses()

    def forgets_to_run(self) -> Iterator[None]:
        yield

    def returns_its_exception(self) -> object:
        return ValueError("no")

    async def says_no_through_another(self) -> object:
        async def no() -> bool:
            return False

        return no()

    async def cancels_itself(self) -> None:
        raise asyncio.CancelledError

    def is_fine(self) -> bool:
        return True


SAID = {
    "hangs_on_its_thread": "timeout",
    "hangs_on_the_loop": "timeout",
    "swallows_its_cancellation": "timeout",
    "raises_what_nobody_expects": "failed",
    "exits": "failed",
    "recurses": "failed",
    "forgets_to_run": "error",
    "returns_its_exception": "error",
    "says_no_through_another": "failed",
    "cancels_itself": "failed",
    "is_fine": "ok",
}


@pytest.mark.parametrize("rounds", [1, 3])
def test_ten_that_misbehave_are_told_apart_and_one_that_does_not_is_ok(
    make_bench: "Callable[..., Bench]", rounds: int
) -> None:
    bench = make_bench()
    checks = Check()
    for name, said in SAID.items():
        bench.add(getattr(checks, name), name, timeout_seconds=0.2 if said == "timeout" else LONG)

    async def probe() -> list[dict[str, Any]]:
        told = []
        for _ in range(rounds):
            bench.clock.now += 10
            answer = await bench.engine.ask("readiness")
            told.append({check.name: result.status for check, result in answer.results})
        checks.release.set()
        return told

    told = bench.run(probe())

    assert told == [SAID] * rounds
    assert len(bench.threads()) == 6  # One for each that is not asynchronous.
