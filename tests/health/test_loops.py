"""Event loops and processes come and go; a check outlives them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Child
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


def end(loop: asyncio.AbstractEventLoop) -> None:
    """End *loop* as asyncio.run() does."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def test_two_event_loops_that_ask_at_once_share_one_run(bench: "Bench") -> None:
    calls: list[None] = []
    release = Event()

    async def slow() -> None:
        calls.append(None)
        await bench.until(release.is_set)

    bench.add(slow)
    waiting = bench.engine._checks["check"].runner

    def waiters() -> int:
        current = waiting._run
        return 0 if current is None else len(current._waiting)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: bench.run(bench.ask()))
        bench.run(bench.until(lambda: waiters() == 1))
        second = pool.submit(lambda: bench.run(bench.ask()))
        bench.run(bench.until(lambda: waiters() == 2))
        release.set()
        told = (first.result(), second.result())

    assert told == (("ok",), ("ok",))
    assert (len(calls), bench.observed) == (1, [("check", "ok")])


@pytest.mark.parametrize("closed", [True, False])
def test_a_run_whose_loop_does_not_run_any_more_does_not_hold_up_the_next_loop(
    bench: "Bench", closed: bool
) -> None:
    release = Event()

    async def slow() -> None:
        await bench.until(release.is_set)

    async def leave() -> None:
        probe = asyncio.create_task(bench.ask())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        probe.cancel()

    bench.add(slow)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    if closed:
        end(loop)

    release.set()
    told = bench.run(bench.ask())
    if not closed:
        end(loop)

    assert told == ("ok",)


def test_a_function_that_hangs_is_not_started_again_by_further_loops_either(bench: "Bench") -> None:
    calls: list[None] = []
    release = Event()

    def hangs() -> None:
        calls.append(None)
        release.wait(LONG)

    bench.add(hangs, timeout_seconds=0.05)

    told = [bench.run(bench.ask_anew()) for _ in range(5)]
    begun = len(calls)
    release.set()
    bench.run(bench.ask_until("ok"))

    assert told == [("timeout",)] * 5
    assert (begun, len(calls)) == (1, 2)


def test_a_probe_that_is_cancelled_does_not_cancel_the_run_of_others(bench: "Bench") -> None:
    release = Event()

    async def slow() -> None:
        await bench.until(release.is_set)

    async def probe() -> tuple[str, ...]:
        leaves, stays = (asyncio.create_task(bench.ask()) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait({leaves})
        release.set()
        return await stays

    bench.add(slow)

    assert bench.run(probe()) == ("ok",)


def test_closing_ends_the_threads_and_a_further_probe_gets_a_new_one(bench: "Bench") -> None:
    bench.add(lambda: True)
    bench.run(bench.ask())
    threads = bench.threads()

    bench.engine.close()
    for thread in threads:
        thread.join(LONG)
    bench.clock.now += 10
    again = bench.run(bench.ask())

    assert len(threads) == 1
    assert not threads[0].is_alive()
    assert again == ("ok",)


def test_a_forked_child_runs_its_checks_although_it_has_no_thread_of_its_parents(
    bench: "Bench", run_in_child: "Child"
) -> None:
    bench.add(lambda: True)
    bench.run(bench.ask())
    bench.clock.now += 10

    code = run_in_child(lambda: 0 if bench.run(bench.ask()) == ("ok",) else 1)

    assert code == 0
