"""The moment of the drain: whoever waits for it is woken, on any loop and any thread."""

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

from observekit.health.lifecycle import Lifecycle
from observekit.health.moment import Moment
from observekit.integrations.trio import waiter

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


def test_a_drain_wakes_waiters_on_several_loops_and_threads() -> None:
    life = Lifecycle(waiter=waiter)
    begun = threading.Barrier(4)

    async def on_asyncio() -> bool:
        begun.wait(LONG)
        await asyncio.wait_for(_of(life), LONG)
        return life.draining.is_set()

    async def on_trio() -> bool:
        begun.wait(LONG)
        with trio.fail_after(LONG):
            await life.draining
        return life.draining.is_set()

    def on_thread() -> bool:
        begun.wait(LONG)
        return life.draining.wait(LONG)

    with ThreadPoolExecutor(3) as pool:
        woken = [
            pool.submit(asyncio.run, on_asyncio()),
            pool.submit(trio.run, on_trio),
            pool.submit(on_thread),
        ]
        begun.wait(LONG)
        life.drain("deployment")
        told = [one.result(LONG) for one in woken]

    assert told == [True, True, True]


async def _of(life: Lifecycle) -> None:
    await life.draining


def test_who_comes_after_the_drain_does_not_wait() -> None:
    life = Lifecycle()
    before = bool(life.draining), life.draining.wait(0.01)
    life.serving()
    life.drain()

    asyncio.run(_of(life))

    assert before == (False, False)
    assert (bool(life.draining), life.draining.wait()) == (True, True)


def test_an_end_without_a_drain_wakes_too_and_a_new_life_has_a_moment_of_its_own() -> None:
    life = Lifecycle()
    life.serving()
    first = life.draining
    life.stop()
    life.begin_startup()

    assert (first.is_set(), life.draining.is_set()) == (True, False)


def test_who_is_cancelled_leaves_nothing_behind() -> None:
    moment = Moment()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await moment

    asyncio.run(leave())
    moment.wait(0.01)

    assert moment._waiting == []
    moment.come()


def test_a_signal_handler_may_drain_while_the_same_thread_waits() -> None:
    life = Lifecycle()
    before = signal.signal(signal.SIGUSR1, lambda *_: life.drain("SIGUSR1"))
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        woken = life.draining.wait(LONG)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)

    assert (woken, life.state) == (True, "draining")


def test_a_loop_that_has_closed_meanwhile_keeps_nobody_from_waking() -> None:
    moment = Moment()
    loop = asyncio.new_event_loop()

    async def wait() -> None:
        await moment

    task = loop.create_task(wait())
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    other = threading.Thread(target=moment.wait)
    other.start()

    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    moment.come()
    other.join(LONG)

    assert not other.is_alive()
