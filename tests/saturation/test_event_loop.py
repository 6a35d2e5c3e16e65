"""A loop that is late is measured, one that is stuck is named, and one that ends leaves nothing behind."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from observekit.metrics import eventloop
from observekit.metrics.eventloop import LoopWatch


class Told:
    """What a watch has told."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.beat = threading.Event()
        self.stalls = 0
        self.stalled = threading.Event()
        self.reports: list[tuple[float, list[str]]] = []

    def watch(self) -> LoopWatch:
        return LoopWatch(self._observed, self._stalled, lambda *report: self.reports.append(report))

    def _observed(self, seconds: float) -> None:
        self.late.append(seconds)
        self.beat.set()

    def _stalled(self) -> None:
        self.stalls += 1
        self.stalled.set()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.setattr(eventloop, "BEAT_SECONDS", 0.01)
    yield Told()
    deadline = monotonic() + 10
    while any(thread.name == "observekit-loop-watch" for thread in threading.enumerate()):
        assert monotonic() < deadline, "the watch left its thread behind"


def hold_the_loop_until(condition: Callable[[float], bool]) -> bool:
    return condition(10)


async def beaten(told: Told) -> None:
    await asyncio.to_thread(told.beat.wait, 10)


def test_a_stuck_loop_is_counted_once_and_named_by_where_it_is(told: Told) -> None:
    async def main() -> None:
        watch = told.watch()
        watch.start()
        hold_the_loop_until(told.stalled.wait)
        watch.stop()

    asyncio.run(main())

    assert told.stalls == 1
    ((seconds, stack),) = told.reports
    assert seconds >= eventloop.STALL_SECONDS
    assert any(f"{__file__}:" in frame and "in hold_the_loop_until" in frame for frame in stack)


def test_a_second_stall_within_the_cool_down_is_counted_and_not_told(told: Told) -> None:
    async def main() -> None:
        watch = told.watch()
        watch.start()
        for _ in range(2):
            told.stalled.clear()
            hold_the_loop_until(told.stalled.wait)
            told.beat.clear()
            await beaten(told)
        watch.stop()

    asyncio.run(main())

    assert told.stalls == 2
    assert len(told.reports) == 1


def test_what_a_loop_is_late_by_is_observed(told: Told) -> None:
    async def main() -> None:
        watch = told.watch()
        watch.start()
        threading.Event().wait(0.05)
        await beaten(told)
        watch.stop()

    asyncio.run(main())

    assert told.late[0] >= 0.03


def test_tasks_are_those_of_the_watched_loop_and_none_are_shown_without_one(told: Told) -> None:
    watch = told.watch()
    shown = [list(watch.tasks())]

    async def main() -> None:
        watch.start()
        other = asyncio.create_task(asyncio.sleep(10))
        shown.append(list(watch.tasks()))
        other.cancel()
        watch.stop()

    asyncio.run(main())
    shown.append(list(watch.tasks()))

    assert shown == [[], [((), 2.0)], []]


def test_a_watch_that_is_started_twice_watches_once(told: Told) -> None:
    before = set(threading.enumerate())

    async def main() -> list[str]:
        watch = told.watch()
        watch.start()
        watch.start()
        names = [thread.name for thread in set(threading.enumerate()) - before]
        watch.stop()
        watch.stop()
        return names

    names = asyncio.run(main())

    assert names.count("observekit-loop-watch") == 1


def test_a_loop_that_was_closed_without_a_word_is_no_error(told: Told) -> None:
    watch = told.watch()

    async def main() -> None:
        watch.start()

    asyncio.run(main())

    assert list(watch.tasks()) == []
    watch.stop()
