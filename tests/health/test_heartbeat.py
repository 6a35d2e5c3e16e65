"""Whether an event loop turns, told in ticks of whoever looks."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Event

import pytest

from observekit.health.heartbeat import Heartbeat
from observekit.health.home import Home

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


class Loop:
    """An event loop on a thread, that can be held."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.home = Home()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self._release = Event()
        self._settled()

    def _settled(self) -> None:
        async def settle() -> None:
            self.home.settle()

        asyncio.run_coroutine_threadsafe(settle(), self.loop).result(LONG)

    def turn(self) -> None:
        """Wait until all that was called so far has had its turn."""
        turned: Future[None] = Future()
        self.loop.call_soon_threadsafe(turned.set_result, None)
        turned.result(LONG)

    def hold(self) -> None:
        held = Event()
        self._release.clear()

        def wait() -> None:
            held.set()
            self._release.wait(LONG)

        self.loop.call_soon_threadsafe(wait)
        assert held.wait(LONG)

    def release(self) -> None:
        self._release.set()
        self.turn()

    def end(self) -> None:
        self._release.set()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(LONG)
        self.loop.close()


@pytest.fixture
def turning() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.end()


def stall(heartbeat: Heartbeat, loop: Loop, ticks: int) -> tuple[bool, bool]:
    """Hold the loop for so many ticks; return what readiness and liveness fail with at their end."""
    heartbeat.tick()
    loop.turn()
    loop.hold()
    for _ in range(ticks + 1):  # The first calls the loop.
        heartbeat.tick()
    failed = heartbeat.fails("readiness"), heartbeat.fails("liveness")
    loop.release()
    heartbeat.tick()
    loop.turn()
    return failed


@pytest.mark.parametrize(
    ("ticks", "failed"),
    [(2, (False, False)), (3, (True, False)), (29, (True, False)), (30, (True, True))],
)
def test_readiness_fails_after_three_seconds_and_liveness_after_thirty(
    turning: Loop, ticks: int, failed: tuple[bool, bool]
) -> None:
    heartbeat = Heartbeat(turning.home, 30.0)

    assert stall(heartbeat, turning, ticks) == failed
    assert (heartbeat.fails("readiness"), heartbeat.fails("liveness")) == (False, False)


def test_a_loop_that_has_come_back_from_a_long_stall_gets_more_time_and_never_for_ever(turning: Loop) -> None:
    heartbeat = Heartbeat(turning.home, 30.0)

    told = [stall(heartbeat, turning, ticks)[1] for ticks in (20, 60, 79)]
    limit = heartbeat.limit_seconds()

    assert told == [False, False, False]
    assert limit == 300
    assert stall(heartbeat, turning, 300) == (True, True)


def test_zero_never_fails_liveness(turning: Loop) -> None:
    heartbeat = Heartbeat(turning.home, 0.0)

    assert stall(heartbeat, turning, 5000) == (True, False)


def test_a_loop_that_has_ended_says_nothing(turning: Loop) -> None:
    heartbeat = Heartbeat(turning.home, 30.0)
    heartbeat.tick()
    turning.turn()
    before = heartbeat.is_known()
    turning.loop.call_soon_threadsafe(turning.loop.stop)
    turning._thread.join(LONG)

    for _ in range(100):
        heartbeat.tick()

    assert (before, heartbeat.is_known(), heartbeat.fails("liveness")) == (True, False, False)
    turning._thread = threading.Thread(target=turning.loop.run_forever)
    turning._thread.start()


def test_another_loop_at_home_begins_anew(turning: Loop) -> None:
    heartbeat = Heartbeat(turning.home, 30.0)
    turning.hold()
    for _ in range(100):
        heartbeat.tick()
    other = Loop()
    heartbeat._home = other.home

    heartbeat.tick()
    heartbeat.tick()
    failed = heartbeat.fails("readiness")
    other.end()
    turning.release()

    assert failed is False
