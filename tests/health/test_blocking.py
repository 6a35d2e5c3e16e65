"""A check that holds the event loop is named, while it does and when it has ended."""

import asyncio
import contextvars
import threading
import time
from threading import Event
from typing import TYPE_CHECKING

import pytest

from observekit.health.steps import BLOCKED_SECONDS
from tests.health.test_home import at_home

if TYPE_CHECKING:
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


def test_a_check_that_holds_the_loop_is_named_and_one_that_waits_on_it_is_not(bench: "Bench") -> None:
    async def blocks() -> None:
        await asyncio.sleep(0)
        release.wait(2 * BLOCKED_SECONDS)

    async def waits() -> None:
        await asyncio.sleep(1.5 * BLOCKED_SECONDS)

    release = Event()
    bench.add(blocks, "blocks")
    bench.add(waits, "waits")

    async def ask_until_named() -> None:
        # A machine that is busy elsewhere may hold any step up, but not each time.
        async with asyncio.timeout(LONG):
            while bench.blocked != ["blocks"]:
                bench.blocked.clear()
                assert await bench.ask_anew() == ("ok", "ok")

    bench.run(ask_until_named())


def test_a_check_is_named_while_it_holds_the_loop(bench: "Bench") -> None:
    held, release = Event(), Event()

    async def blocks() -> None:
        held.set()
        release.wait(LONG)

    bench.add(blocks, timeout_seconds=0.05)

    with at_home(bench):
        said = bench.run(bench.ask())
        assert held.wait(LONG)
        deadline = time.monotonic() + LONG
        while bench.engine.blocker() is None and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        named = bench.engine.blocker()
        release.set()

    assert (said, named, bench.blocked) == (("timeout",), "check", ["check"])


class Odd:
    """Awaits as a plain iterator does, which cannot be thrown into."""

    def __init__(self) -> None:
        self.steps = 0

    def __await__(self) -> "Odd":
        return self

    def __iter__(self) -> "Odd":
        return self

    def __next__(self) -> None:
        self.steps += 1
        if self.steps > 3:
            raise StopIteration


def test_any_awaitable_is_awaited_as_if_nobody_looked(bench: "Bench") -> None:
    caught: list[str] = []

    async def catches() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            caught.append("timeout")
        return "value"

    bench.add(catches, "catches")
    bench.add(lambda: Odd(), "odd")  # noqa: PLW0108 -- it is awaited because it is returned

    assert bench.run(bench.ask()) == ("ok", "ok")
    assert caught == ["timeout"]


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="nobody's")


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_check_runs_in_nobodys_context(bench: "Bench", asynchronous: bool) -> None:
    seen: list[str] = []

    async def on_loop() -> None:
        seen.append(VARIABLE.get())

    def on_thread() -> None:
        seen.append(VARIABLE.get())

    async def probe() -> tuple[str, ...]:
        VARIABLE.set("a request's")
        return await bench.ask()

    bench.add(on_loop if asynchronous else on_thread)

    assert (bench.run(probe()), seen) == (("ok",), ["nobody's"])
