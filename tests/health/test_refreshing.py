"""Checks that are run before anybody asks: once a period, for probes that then need not wait."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from observekit.health.refresh import Refresher

if TYPE_CHECKING:
    from tests.health.conftest import Bench

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Make = Callable[..., "Bench"]


@contextmanager
def refreshing(bench: "Bench", **more: Any) -> Iterator[Refresher]:
    """Refresh the checks of *bench* on a thread, as a kit does; the clock is moved by hand all the same."""
    failed: list[Exception] = []
    given = {"due": bench.engine.due, "tick": lambda: None, "failed": failed.append, **more}
    refresher = Refresher(**given)
    bench.engine.refreshed = refresher.is_at_work
    refresher.start()
    try:
        yield refresher
    finally:
        refresher.stop()
    assert (failed, refresher.is_at_work()) == ([], False)


def until(condition: Callable[[], object]) -> None:
    async def wait() -> None:
        async with asyncio.timeout(LONG):
            while not condition():  # noqa: ASYNC110 -- another thread makes it true
                await asyncio.sleep(0.005)

    asyncio.run(wait())


def test_a_check_is_run_without_a_probe_and_the_probe_is_answered_from_it(bench: "Bench") -> None:
    bench.add(lambda: False)

    with refreshing(bench):
        bench.engine.due()  # It is planned.
        bench.clock.now += 2
        until(lambda: bench.observed)
        said = [bench.run(bench.ask()) for _ in range(100)]

    assert said == [("failed",)] * 100
    assert bench.observed == [("check", "failed")]


def test_a_probe_is_answered_at_once_while_the_check_hangs_that_passed_before(make_bench: Make) -> None:
    bench = make_bench(fail_after=2)
    hangs, release = Event(), Event()
    calls: list[None] = []

    def check() -> None:
        calls.append(None)
        if hangs.is_set():
            release.wait(LONG)

    bench.add(check)
    bench.run(bench.ask())
    hangs.set()

    with refreshing(bench):
        bench.clock.now += 3
        until(lambda: len(calls) == 2)
        said = bench.run(bench.ask())
        release.set()

    assert said == (("ok",))


def test_runs_are_a_period_apart_at_least_and_further_where_they_fail(bench: "Bench") -> None:
    at: list[float] = []

    def check() -> bool:
        at.append(bench.clock.now)
        return False

    bench.add(check)
    moved = 0
    while moved < 400:
        for refresh in bench.engine.due()[0]:
            bench.run(refresh())
        bench.clock.now += 0.1
        moved += 1

    gaps = [round(later - earlier, 1) for earlier, later in pairwise(at)]
    assert [2 <= gaps[0] <= 2.7, 4 <= gaps[1] <= 5.2, *(8 <= gap <= 10.2 for gap in gaps[2:])] == [
        True
    ] * len(gaps)


def test_a_result_that_nobody_renews_is_stale_after_three_periods(bench: "Bench") -> None:
    bench.add(lambda: True, timeout_seconds=0.5)
    bench.run(bench.ask())
    bench.engine.refreshed = lambda: True  # Somebody who has stopped to do it.

    said = []
    for seconds in (6, 0.4, 0.2):
        bench.clock.now += seconds
        said.append(bench.run(bench.ask()))
    shown = [value for _, value in bench.engine.readings()]

    assert (said, shown) == ([("ok",), ("ok",), ("stale",)], [0.0])
    assert not bench.run(bench.engine.ask("readiness")).passed("readiness")


def test_liveness_is_not_decided_by_what_is_stale(bench: "Bench") -> None:
    bench.add(lambda: True, probe="liveness", timeout_seconds=0.5)
    bench.run(bench.ask("liveness"))
    bench.engine.refreshed = lambda: True
    bench.clock.now += 100

    answer = bench.run(bench.engine.ask("liveness"))

    assert [result.status for _, result in answer.results] == ["stale"]
    assert answer.passed("liveness")


def test_start_up_checks_are_not_run_any_more_when_they_have_passed(bench: "Bench") -> None:
    calls: list[None] = []
    bench.add(lambda: calls.append(None), probe="startup")
    bench.run(bench.ask("startup"))
    bench.engine.startup_over = lambda: True
    bench.clock.now += 100

    due, _ = bench.engine.due()

    assert (due, len(calls)) == ([], 1)


def test_nothing_is_run_for_a_home_that_has_gone(bench: "Bench") -> None:
    async def settle() -> None:
        bench.engine.home.settle()

    bench.add(lambda: True)
    asyncio.run(settle())
    bench.engine.due()
    bench.clock.now += 100

    assert bench.engine.due()[0] == []
    bench.engine.refreshed = lambda: True
    assert bench.run(bench.ask()) == ("ok",)  # By the probe itself.


def test_a_thread_that_meets_a_mistake_of_ours_goes_on(bench: "Bench") -> None:
    failed: list[str] = []

    def breaks() -> Any:
        raise RuntimeError("ours")

    refresher = Refresher(breaks, breaks, lambda error: failed.append(str(error)))
    refresher.start()
    until(lambda: len(failed) >= 3)
    alive = refresher.is_at_work()
    refresher.stop()

    assert (alive, set(failed)) == (True, {"ours"})


def test_starting_twice_is_one_thread_and_stopping_leaves_none(bench: "Bench") -> None:
    def threads() -> int:
        return sum(one.name == "observekit-health" for one in threading.enumerate())

    with refreshing(bench) as refresher:
        refresher.start()
        during = threads()
    until(lambda: threads() == 0)

    assert during == 1


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_thousand_probes_a_period_are_one_run(bench: "Bench", asynchronous: bool) -> None:
    calls: list[None] = []

    async def on_loop() -> None:
        calls.append(None)

    bench.add(on_loop if asynchronous else lambda: calls.append(None))

    async def herd() -> set[str]:
        said: set[str] = set()
        for _ in range(10):
            said |= {
                status
                for answer in await asyncio.gather(*[bench.ask() for _ in range(100)])
                for status in answer
            }
        return said

    with refreshing(bench):
        said = bench.run(herd())

    assert (said, len(calls)) == ({"ok"}, 1)
