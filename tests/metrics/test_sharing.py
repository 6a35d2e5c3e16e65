"""A cell that is shared writes through, from whenever on that is, whoever writes to it."""

import sys
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from observekit.catalogue.exports import SPANS
from observekit.catalogue.metrics import ACTIVE_REQUESTS, REQUEST_DURATION, SCRAPE_DURATION
from observekit.metrics.cells import CounterCell, GaugeCell, HistogramCell
from observekit.metrics.store import Store
from observekit.metrics.workers.shapes import Labels, Shape


def record(width: int = 1) -> "memoryview[float]":
    return memoryview(array("d", bytes(8 * width)))


def test_a_counter_writes_what_it_has_and_what_comes() -> None:
    cell, place = CounterCell(), record()
    cell.add(2)

    cell.share(place)
    before = place.tolist()
    cell.add(3)

    assert (before, place.tolist(), cell.value) == ([2.0], [5.0], 5.0)


def test_a_gauge_writes_what_it_has_and_what_comes() -> None:
    cell, place = GaugeCell(), record(2)
    cell.set(7)

    cell.share(place)
    before = place.tolist()
    cell.add(-2)
    added = place.tolist()
    cell.set(1)

    assert (before, added, place.tolist()) == ([7.0, 0.0], [5.0, 0.0], [1.0, 0.0])


def test_a_histogram_writes_its_counts_and_behind_them_its_sum() -> None:
    cell, place = HistogramCell((1.0, 2.0)), record(4)
    cell.observe(0.5)

    cell.share(place)
    cell.observe(1.5)
    cell.observe(9)

    assert place.tolist() == [1.0, 1.0, 1.0, 11.0]


def test_a_cell_that_is_shared_no_more_leaves_the_record_as_it_is() -> None:
    cell, place = CounterCell(), record()
    cell.share(place)
    cell.add()

    cell.share(None)
    cell.add()

    assert (place.tolist(), cell.value) == ([1.0], 2.0)


def test_a_child_begins_at_zero_and_its_first_write_is_told() -> None:
    told: list[float] = []

    class First:
        def __setitem__(self, place: int, value: float, /) -> None:
            told.append(value)

    cells = CounterCell(), GaugeCell(), HistogramCell((1.0,))
    for one in cells:
        one.share(record(3))
    cells[0].add(5)
    cells[1].set(5)
    cells[2].observe(5, ("trace", "span"))
    for one in cells:
        one.reset(First())
    silent = told.copy()
    cells[0].add()

    assert (silent, told) == ([], [1.0])
    assert (cells[1].value, cells[2].snapshot()) == (0.0, ([0, 0], 0.0, [None, None]))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize("make", [CounterCell, lambda: HistogramCell((1.0, 2.0))])
def test_a_cell_that_is_shared_while_four_threads_write_misses_nothing(
    make: Callable[[], CounterCell | HistogramCell],
) -> None:
    for _ in range(20):
        cell, places = make(), [record(4) for _ in range(20)]

        def write(cell: CounterCell | HistogramCell = cell) -> None:
            for _ in range(200):
                cell.add() if isinstance(cell, CounterCell) else cell.observe(1.5)

        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(write) for _ in range(4)]
            for place in places:
                cell.share(place)
            for one in done:
                one.result()

        if isinstance(cell, CounterCell):
            assert places[-1][0] == cell.value == 800
        else:
            assert places[-1].tolist() == [0.0, 800.0, 0.0, 1200.0]


def test_a_store_shares_series_that_are_there_and_series_to_come_but_none_of_one_process() -> None:
    store, found = Store(100), dict[tuple[str, Labels], "memoryview[float]"]()

    def take(shape: Shape, labels: Labels) -> "memoryview[float]":
        return found.setdefault((shape.name, labels), record(shape.width))

    active, scrape = store.gauge(ACTIVE_REQUESTS), store.gauge(SCRAPE_DURATION)
    active.cell("GET").add(1)
    scrape.cell().set(1)
    store.share(take)
    active.cell("POST").add(2)
    store.counter(SPANS).cell("rejected").add(3)
    store.histogram(REQUEST_DURATION).cell("GET", "/", "200").observe(20)
    store.share(None)
    active.cell("GET").add(1)

    assert {key: place.tolist()[0] for key, place in found.items()} == {
        ("http_server_active_requests", ("GET",)): 1.0,
        ("http_server_active_requests", ("POST",)): 2.0,
        ("observekit_spans", ("exported",)): 0.0,
        ("observekit_spans", ("rejected",)): 3.0,
        ("http_server_request_duration_seconds", ("GET", "/", "200")): 0.0,
    }
    assert found["http_server_request_duration_seconds", ("GET", "/", "200")].tolist()[-2:] == [1.0, 20.0]
