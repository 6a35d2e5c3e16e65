"""Where asynchronous checks run when it is not the application's loop that asks."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

import pytest

from observekit.health.check import Check, Result

if TYPE_CHECKING:
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


@contextmanager
def at_home(bench: "Bench") -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop on a thread of its own, as the application's."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="home")
    thread.start()

    async def settle() -> None:
        bench.engine.home.settle()

    asyncio.run_coroutine_threadsafe(settle(), loop).result(LONG)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LONG)
        loop.close()


def test_an_asynchronous_check_runs_at_home_and_its_failure_is_told_where_it_was_asked(
    bench: "Bench",
) -> None:
    async def fails() -> None:
        raise ConnectionError(threading.current_thread().name)

    bench.add(fails)

    with at_home(bench):
        told = bench.run(bench.engine.ask("readiness"))

    [(_, result)] = told.results
    assert (result.status, str(result.error)) == ("failed", "home")


@pytest.mark.parametrize("closed", [True, False])
def test_a_home_that_has_gone_leaves_the_check_to_who_asks(bench: "Bench", closed: bool) -> None:
    ran: list[str] = []

    async def check() -> None:
        ran.append(threading.current_thread().name)

    bench.add(check)
    loop = asyncio.new_event_loop()

    async def settle() -> None:
        bench.engine.home.settle()

    loop.run_until_complete(settle())
    if closed:
        loop.close()

    told = bench.run(bench.ask())
    loop.close()

    assert (told, ran) == (("ok",), [threading.current_thread().name])


def test_a_check_that_does_not_look_asynchronous_is_awaited_at_home(bench: "Bench") -> None:
    ran: list[str] = []

    async def check() -> None:
        ran.append(threading.current_thread().name)

    bench.add(lambda: check())  # noqa: PLW0108 -- this is how it does not look it

    with at_home(bench):
        told = [bench.run(bench.ask_anew()) for _ in range(3)]

    assert (told, ran) == ([("ok",)] * 3, ["home"] * 3)


def test_a_check_that_is_given_up_while_its_loop_is_stuck_never_begins(bench: "Bench") -> None:
    ran: list[None] = []
    stuck, release = Event(), Event()

    async def check() -> None:
        ran.append(None)

    def block() -> None:
        stuck.set()
        release.wait(LONG)

    bench.add(check, timeout_seconds=0.05)

    with at_home(bench) as loop:
        loop.call_soon_threadsafe(block)
        assert stuck.wait(LONG)
        told = [bench.run(bench.ask_anew()) for _ in range(5)]
        release.set()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(LONG)
        begun = len(ran)
        bench.run(bench.ask_until("ok"))

    assert (told, begun, len(ran)) == ([("timeout",)] * 5, 0, 1)
    assert bench.observed[0] == ("check", "timeout")


def test_one_failure_is_one_for_a_probe_that_hears_of_it_on_another_loop(
    make_bench: "Callable[..., Bench]",
) -> None:
    bench = make_bench(fail_after=2)
    fails: list[None] = []
    heard = Event()

    async def check() -> bool:
        return not fails

    bench.add(check)
    # Who is told does not hurry; a probe elsewhere must not hear of the result before it is noted.
    told = bench.engine._listeners.observed

    def slowly(check: Check, result: Result) -> None:
        told(check, result)
        heard.wait(0.3)

    bench.engine._listeners = replace(bench.engine._listeners, observed=slowly)

    with at_home(bench):
        bench.run(bench.ask())
        fails.append(None)
        answers = [bench.run(bench.ask_anew()) for _ in range(2)]
        heard.set()

    assert answers == [("ok",), ("failed",)]
    assert [status for _, status in bench.observed] == ["ok", "failed", "failed"]
