"""One series of a metric that a user makes with prometheus-client, and the record that it writes to."""

from collections.abc import Callable
from time import time
from typing import Any

from prometheus_client import Gauge, Histogram, Summary, values
from prometheus_client import metrics as client

from observekit.metrics.cells import Record
from observekit.metrics.workers import short
from observekit.metrics.workers.aside import Aside, Helpers
from observekit.metrics.workers.page import CREATED
from observekit.metrics.workers.shapes import ABSENT, Labels, Shape, SharedExemplar
from observekit.metrics.workers.values import NOWHERE, start_afresh, write_through

RecordOf = Callable[[Shape, Labels], Any]
Expose = Callable[[Shape, Labels, int, SharedExemplar | None], None]


class Bond:
    """One series: the child of a metric, its values, and the records they write to.

    Attributes:
        wanted: Whether it was written and has no record yet; whoever joins the others gives it one.
    """

    __slots__ = (
        "_aside",
        "_helpers",
        "child",
        "created",
        "fresh",
        "labels",
        "record",
        "said",
        "shape",
        "values",
        "wanted",
    )

    def __init__(self, shape: Shape, labels: Labels, child: Any, helpers: Helpers) -> None:
        self.shape = shape
        self.labels = labels
        self.child = child
        self.values = values_of(child)
        self.record: Record | None = None
        self.created: Record | None = None
        self.fresh = self.wanted = False
        self.said = ABSENT  # By a function, the last time.
        self._helpers = helpers
        self._aside: Aside[None] | None = None  # Most have no function.

    def ask(self, seconds: float) -> None:
        """Write what the function of set_function() returns; what is late is written when it comes.

        Raises:
            LateError: It takes longer than *seconds*.
            Exception: What the function raises.
        """
        if self._aside is None:
            self._aside = Aside(self._helpers)
        self._aside.ask(self._read, seconds)

    def lose(self) -> None:
        """Have no value to show: the function has failed."""
        self.said = ABSENT
        record = self.record
        if record is not None:
            record[0] = ABSENT

    def _read(self) -> None:
        self.said = value = float(self.child._child_samples()[0].value)
        record = self.record
        if record is not None:
            record[0], record[1] = value, time()

    def publish(self, expose: Expose) -> None:
        """Hand over exemplars that have come since the last time."""
        if self.record is not None and self.fresh:
            self.fresh = False
            for place, value in enumerate(self.values):
                found = value.get_exemplar()
                if found is not None:
                    trace = SharedExemplar(dict(found.labels), found.value, found.timestamp or time())
                    expose(self.shape, self.labels, place, trace)

    def share(self, record_of: RecordOf) -> None:
        """Write through to the records of the series from now on; to the new ones, if they move meanwhile."""
        record = record_of(self.shape, self.labels)
        while True:
            self._share(record, record_of)
            bound, record = record, record_of(self.shape, self.labels)
            if record is bound:
                return

    def _share(self, record: Any, record_of: RecordOf) -> None:
        self.wanted = False
        self.record = record
        self.fresh = True  # Whatever exemplars there are, nobody else has seen.
        stamp = record[1:2] if isinstance(self.child, Gauge) else NOWHERE
        for place, value in enumerate(self.values):
            # A record of its own for each value: one place less to look up with each write.
            own = record if len(record) == 1 else record[place : place + 1]
            write_through(value, own, stamp, self)
        short.put(self.child)
        if has_function(self.child):
            record[0] = self.said
        if self.shape.merge.endswith("most_recent") and self.values[0].get():
            record[1] = self.values[0]._timestamp or time()
        if hasattr(self.child, "_created") and client._use_created:
            self.created = record_of(_beginning(self.shape), self.labels)
            self.created[0] = self.child._created

    def start_afresh(self, first: Record) -> None:
        """Have counted nothing, in a forked child; *first* is told when it does."""
        self.record = self.created = None
        short.take_away(self.child)
        self.wanted = False
        self.said = ABSENT
        self._aside = None  # Whoever was asked has stayed in the parent.
        if self.is_shareable:
            for value in self.values:
                start_afresh(value, first, self)

    @property
    def is_shareable(self) -> bool:
        """Whether the values are of a kind that can write through."""
        return all(isinstance(value, values.MutexValue) for value in self.values)

    def withdraw(self) -> None:
        """Have no series here any more; a child that somebody still holds counts for itself."""
        short.take_away(self.child)
        for value in self.values:
            value._record = value._stamp = NOWHERE
        for record in (self.record, self.created):
            if record is not None:
                record[0] = ABSENT
        self.record = self.created = None  # A function may return later.


def has_function(child: Any) -> bool:
    """Whether *child* is a gauge that shows what a function of the user's returns."""
    if not isinstance(child, Gauge):
        return False
    # Gauge.set_function() puts another one there. Not by vars(), which costs each series a dictionary.
    its_type: Any = type(child)
    return getattr(child._child_samples, "__func__", None) is not its_type._child_samples


def values_of(child: Any) -> list[Any]:
    """Return the values of one series in the order of its record."""
    if isinstance(child, Histogram):
        return [*child._buckets, child._sum]
    return [child._count, child._sum] if isinstance(child, Summary) else [child._value]


def _beginning(shape: Shape) -> Shape:
    return Shape(shape.name, CREATED, shape.help, "", shape.labels, (), "min")
