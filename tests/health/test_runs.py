"""A check has one run at a time, within its time, for everybody who asks."""

import asyncio
import threading
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""
SHORT = 0.05
"""Seconds after which a check that hangs is given up."""


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_hundred_probes_at_once_are_one_run(bench: "Bench", asynchronous: bool) -> None:
    calls: list[str] = []
    release = Event()

    async def on_loop() -> None:
        calls.append(threading.current_thread().name)
        await bench.until(release.is_set)

    def on_thread() -> None:
        calls.append(threading.current_thread().name)
        release.wait(LONG)

    async def probe() -> list[tuple[str, ...]]:
        probes = [asyncio.create_task(bench.ask()) for _ in range(100)]
        await bench.until(lambda: calls)
        release.set()
        return await asyncio.gather(*probes)

    bench.add(on_loop if asynchronous else on_thread)

    answers = bench.run(probe())

    assert answers == [("ok",)] * 100
    assert calls == ["MainThread" if asynchronous else "observekit-check-check"]
    assert bench.observed == [("check", "ok")]


@pytest.mark.parametrize("cache_seconds", [0.0, 2.0])
def test_a_run_is_told_once_however_many_waited_for_it(
    make_bench: "Callable[..., Bench]", cache_seconds: float
) -> None:
    bench = make_bench(cache_seconds=cache_seconds)
    bench.add(lambda: False)

    async def probe() -> list[tuple[str, ...]]:
        return await asyncio.gather(*[bench.ask() for _ in range(100)])

    answers = bench.run(probe())

    assert answers == [("failed",)] * 100
    assert bench.observed == [("check", "failed")]
    assert bench.changed == [("check", None, "failed")]


def test_a_check_that_hangs_on_its_thread_holds_that_thread_and_is_not_started_again(bench: "Bench") -> None:
    release, calls = Event(), list[None]()

    def hangs() -> None:
        calls.append(None)
        release.wait(LONG)

    bench.add(hangs, timeout_seconds=SHORT)

    async def probe() -> list[set[str]]:
        told = []
        for _ in range(5):
            answers = await asyncio.gather(*[bench.ask() for _ in range(100)])
            told.append({status for (status,) in answers})
            bench.clock.now += 10
        return told

    told = bench.run(probe())
    threads = len(bench.threads())
    begun = len(calls)
    release.set()
    bench.run(bench.ask_until("ok"))

    assert told == [{"timeout"}] * 5
    assert (threads, begun) == (1, 1)
    assert (len(calls), len(bench.threads())) == (2, 1)
    assert bench.observed == [("check", "timeout"), ("check", "ok")]


def test_a_check_that_swallows_its_cancellation_is_not_started_again(bench: "Bench") -> None:
    calls: list[None] = []
    cancelled: list[None] = []
    release = Event()

    async def stubborn() -> None:
        calls.append(None)
        while not release.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                cancelled.append(None)

    bench.add(stubborn, timeout_seconds=SHORT)

    async def probe() -> tuple[tuple[str, ...], tuple[str, ...], int]:
        first = await bench.ask()
        second = await bench.ask_anew()
        begun = len(calls)
        release.set()
        await bench.ask_until("ok")
        return first, second, begun

    told = bench.run(probe())

    assert told == (("timeout",), ("timeout",), 1)
    assert len(cancelled) == 1


def test_an_async_check_that_hangs_is_cancelled_and_started_anew(bench: "Bench") -> None:
    ends: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            ends.append("cancelled")

    bench.add(hangs, timeout_seconds=SHORT)

    async def probe() -> tuple[tuple[str, ...], tuple[str, ...]]:
        first = await bench.ask()
        await bench.until(lambda: ends)
        return first, await bench.ask_anew()

    told = bench.run(probe())

    assert told == (("timeout",), ("timeout",))
    assert bench.observed == [("check", "timeout")] * 2


def test_a_lambda_around_an_async_check_that_hangs_is_cancelled_too(bench: "Bench") -> None:
    ends: list[str] = []

    async def hangs(seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            ends.append("cancelled")

    bench.add(lambda: hangs(10 * LONG), timeout_seconds=SHORT)

    async def probe() -> set[tuple[str, ...]]:
        told = {await bench.ask()}
        # Its thread may have called the lambda too late for that run, whose coroutine is then never begun.
        async with asyncio.timeout(LONG):
            while not ends:
                told.add(await bench.ask_anew())
        return told

    assert bench.run(probe()) == {("timeout",)}


def test_a_coroutine_that_comes_too_late_is_closed_without_a_warning(bench: "Bench") -> None:
    release = Event()

    def late() -> object:
        release.wait(LONG)
        return asyncio.sleep(0)

    async def give_up_and_wait() -> None:
        await bench.ask()
        release.set()
        await bench.ask_until("ok")

    bench.add(late, timeout_seconds=SHORT)

    bench.run(give_up_and_wait())

    assert bench.observed == [("check", "timeout"), ("check", "ok")]
