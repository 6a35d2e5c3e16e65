"""Whoever is given a record just when all records move to another file writes to the new one."""

from array import array
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter

from observekit.catalogue.metrics import ACTIVE_REQUESTS
from observekit.metrics.store import Store
from observekit.metrics.workers.aside import Helpers
from observekit.metrics.workers.client import ClientValues
from observekit.metrics.workers.shapes import Labels, Shape

Records = dict[tuple[Shape, Labels], "memoryview[float]"]


def moving(after: int) -> tuple[Callable[[Shape, Labels], "memoryview[float]"], Records]:
    """Return what hands out records, which move when so many have been, and where they are in the end."""
    old, new = Records(), Records()
    handed = 0

    def take(shape: Shape, labels: Labels) -> "memoryview[float]":
        nonlocal handed
        handed += 1
        records = old if handed <= after else new
        return records.setdefault((shape, labels), memoryview(array("d", bytes(8 * shape.width))))

    return take, new


def test_a_cell_of_ours_writes_to_where_its_record_is_in_the_end() -> None:
    store = Store(100)
    active = store.gauge(ACTIVE_REQUESTS)
    active.cell("GET").add(1)
    take, records = moving(after=1)
    store.share(take)
    active.cell("GET").add(1)

    assert [record[0] for record in records.values()] == [2.0]


def test_a_users_counter_writes_to_where_its_record_is_in_the_end() -> None:
    registry = CollectorRegistry()
    counter = Counter("orders", "Orders.", registry=registry)
    counter.inc(3)
    take, records = moving(after=1)
    shared = ClientValues(registry, lambda *_: None, Helpers())
    try:
        shared.install(take)
        counter.inc(4)
    finally:
        shared.undo()

    assert [record[0] for (shape, _), record in records.items() if shape.kind == "counter"] == [7.0]
