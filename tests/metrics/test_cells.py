"""A cell counts exactly, whoever writes to it, and nothing can spoil its value."""

import math
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.catalogue.exports import SPANS
from observekit.metrics.cells import CounterCell, GaugeCell, HistogramCell
from observekit.metrics.store import Store

if TYPE_CHECKING:
    from tests.conftest import Child

THREADS = 8
ROUNDS = 20_000
ANY_FLOATS = st.lists(st.floats() | st.sampled_from([-0.0, 5e-324, 1e308, -1e308, math.inf, math.nan]))


@pytest.fixture(autouse=True)
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _together(work: Callable[[], None]) -> None:
    start = Barrier(THREADS)

    def one() -> None:
        start.wait()
        for _ in range(ROUNDS):
            work()

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(one) for _ in range(THREADS)]:
            done.result()


def test_a_counter_loses_nothing_to_eight_threads() -> None:
    cell = CounterCell()

    _together(cell.add)

    assert cell.value == THREADS * ROUNDS


def test_a_gauge_that_goes_up_and_down_in_eight_threads_ends_where_it_began() -> None:
    cell = GaugeCell()

    def work() -> None:
        cell.add(3)
        cell.add(-3)

    _together(work)

    assert cell.value == 0


def test_a_histogram_loses_nothing_to_eight_threads_and_shows_no_half_observation() -> None:
    cell = HistogramCell((1.0, 2.0))
    torn: list[object] = []

    def work() -> None:
        cell.observe(2.0)
        counts, total, _ = cell.snapshot()
        if total != 2.0 * sum(counts):
            torn.append((counts, total))

    _together(work)

    assert cell.snapshot() == ([0, THREADS * ROUNDS, 0], 2.0 * THREADS * ROUNDS, [None] * 3)
    assert torn == []


@given(ANY_FLOATS)
def test_a_counter_is_the_finite_sum_of_what_it_took_and_tells_what_it_refused(amounts: list[float]) -> None:
    refused: list[None] = []
    cell = CounterCell(lambda: refused.append(None))

    expected, wrong = 0.0, 0
    for amount in amounts:
        cell.add(amount)
        if amount >= 0 and math.isfinite(expected + amount):
            expected += amount
        else:
            wrong += 1

    assert (cell.value, len(refused)) == (expected, wrong)
    assert 0 <= cell.value < math.inf


@given(ANY_FLOATS)
def test_a_gauge_is_never_anything_but_a_finite_number(amounts: list[float]) -> None:
    refused: list[None] = []
    cell = GaugeCell(lambda: refused.append(None))

    expected, wrong = 0.0, 0
    for amount in amounts:
        cell.add(amount)
        if math.isfinite(expected + amount):
            expected += amount
        else:
            wrong += 1

    assert (cell.value, len(refused)) == (expected, wrong)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_gauge_cannot_be_set_to_what_is_no_finite_number(value: float) -> None:
    refused: list[None] = []
    cell = GaugeCell(lambda: refused.append(None))

    cell.set(2.5)
    cell.set(value)

    assert (cell.value, len(refused)) == (2.5, 1)


@given(ANY_FLOATS)
def test_every_observation_is_in_one_bucket_or_told_as_refused(values: list[float]) -> None:
    refused: list[None] = []
    cell = HistogramCell((0.0, 0.1, 1.0), lambda: refused.append(None))

    for value in values:
        cell.observe(value)

    counts, total, _ = cell.snapshot()
    assert sum(counts) + len(refused) == len(values)
    assert 0 <= total < math.inf
    assert counts[0] == sum(value == 0 for value in values)


def test_a_bucket_holds_what_is_at_most_its_bound() -> None:
    cell = HistogramCell((0.1, 1.0))

    for value in (0.0, 0.1, 0.100001, 1.0, 1.000001):
        cell.observe(value)

    assert cell.snapshot()[0] == [2, 2, 1]


def test_a_bucket_keeps_the_trace_of_its_last_sampled_observation() -> None:
    cell = HistogramCell((0.1, 1.0))

    cell.observe(0.05, ("a" * 32, "b" * 16))
    cell.observe(0.06, ("c" * 32, "d" * 16))
    cell.observe(0.07)

    kept = cell.snapshot()[2]
    assert kept[1:] == [None, None]
    assert kept[0] is not None
    assert kept[0][:3] == ("c" * 32, "d" * 16, 0.06)


@pytest.mark.parametrize("cell", [CounterCell(), GaugeCell()])
def test_a_signal_handler_may_count_while_counting_and_nothing_is_lost(cell: CounterCell | GaugeCell) -> None:
    counted = Counter[str]()

    def handler(*_: object) -> None:
        cell.add(1.0)
        counted["handler"] += 1

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    while counted["handler"] < 200:
        cell.add(1.0)
        counted["loop"] += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)

    assert cell.value == counted.total()


def test_a_forked_child_counts_although_a_thread_of_its_parent_held_the_lock(
    run_in_child: "Child",
) -> None:
    cell = Store(100).counter(SPANS).cell("exported")
    held, over = Barrier(2), Barrier(2)

    def hold() -> None:
        with cell._lock:
            held.wait()
            over.wait()

    def add() -> int:
        cell.add()
        return int(cell.value)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        held.wait()
        code = run_in_child(add)
        over.wait()
        holding.result()

    assert code == 1
