"""A metric family: its cells by label values, never more than its limit."""

from collections.abc import Callable, Iterator
from itertools import product
from threading import RLock
from typing import Final, Generic, TypeVar

from observekit.catalogue import MetricSpec
from observekit.metrics.cells import Cell, Record
from observekit.semconv import OVERFLOW

# A label value of 10 MB must not reach the page. 200 characters hold any route.
VALUE_LENGTH: Final = 200
# Overflow series combine with values seen before; past this many of them one series takes the rest.
_OVERFLOW_SERIES: Final = 64

AnyCell = TypeVar("AnyCell", bound=Cell)
Labels = tuple[str, ...]
Records = Callable[[Labels], Record]


class Family(Generic[AnyCell]):
    """The series of one metric.

    Over *limit* series, the label value that is new becomes ``_overflow``, so that sums stay right;
    *overflowed* is told the family and the label each time.
    """

    __slots__ = ("_cells", "_limit", "_lock", "_make", "_new", "_overflowed", "_records", "_seen", "spec")

    def __init__(
        self,
        spec: MetricSpec,
        make: Callable[[], AnyCell],
        limit: int,
        overflowed: Callable[[str, str], None],
    ) -> None:
        self.spec = spec
        self._make = make
        self._limit = limit
        self._overflowed = overflowed
        self._new: Callable[[Labels], None] | None = None
        self._records: Records | None = None
        self._lock = RLock()
        self._cells: dict[Labels, AnyCell] = {}
        self._seen: list[set[str]] = [set() for _ in spec.labels]
        if spec.kind == "counter" and spec.values.keys() == set(spec.labels):
            # A counter that is there at zero shows its first event in increase().
            for values in product(*(spec.values[name] for name in spec.labels)):
                self._add(values)

    def cell(self, *values: str) -> AnyCell:
        """Return the cell of the series with these label values, in the order of the spec."""
        found = self._cells.get(values)
        return self._find(values) if found is None else found

    def on_new(self, told: Callable[[Labels], None]) -> None:
        """Tell *told* the label values of each further series that gets an event of its own."""
        self._new = told

    def prepare(self, *values: str) -> None:
        """Let a series be there at zero, if there is plenty of room: what happens goes before what may."""
        clean = tuple(map(cleaned, values))
        with self._lock:
            if clean not in self._cells and len(self._cells) < self._limit // 2:
                self._add(clean)

    def known(self, *values: str) -> AnyCell | None:
        """Return the cell of a series that is there; it stays the series' cell, so that it may be kept."""
        return self._cells.get(values)

    def series(self) -> Iterator[tuple[Labels, AnyCell]]:
        """Yield each series as it is now."""
        with self._lock:
            return iter(list(self._cells.items()))

    def share(self, records: Records | None) -> None:
        """Let each cell, also of series to come, write its value through to what *records* returns for it.

        It takes no lock, because whoever is made a worker by its first count is in the middle of that.
        """
        self._records = records
        for values, cell in list(self._cells.items()):
            self._bind(values, cell)

    def renew_locks(self) -> None:
        """Take free locks, in a forked child whose parent's threads may have held the old ones."""
        self._lock = RLock()
        for cell in self._cells.values():
            cell.renew_lock()

    def reset(self, first: Record) -> None:
        """Have every series at zero in a forked child; *first* is told when it counts something."""
        self._lock = RLock()
        self._records = lambda _: first
        for cell in self._cells.values():
            cell.reset(first)

    def _find(self, values: Labels) -> AnyCell:
        clean = tuple(map(cleaned, values))
        with self._lock:
            if clean not in self._cells and len(self._cells) >= self._limit:
                clean = self._overflow(clean)
            if clean in self._cells:
                return self._cells[clean]
            cell = self._add(clean)
            if self._new is not None:
                self._new(clean)
            return cell

    def _add(self, values: Labels) -> AnyCell:
        cell = self._cells[values] = self._make()
        # After it is among the cells: share() sees it there, or is seen here.
        if self._records is not None:
            self._bind(values, cell)
        for seen, value in zip(self._seen, values, strict=True):
            seen.add(value)
        return cell

    def _bind(self, values: Labels, cell: AnyCell) -> None:
        """Let *cell* write to its record; to the new one, if records move in between."""
        record = self._record_of(values)
        while True:
            cell.share(record)
            bound, record = record, self._record_of(values)
            if record is bound:
                return

    def _record_of(self, values: Labels) -> Record | None:
        records = self._records
        return None if records is None else records(values)

    def _overflow(self, values: Labels) -> Labels:
        """Replace what is new; where only the combination is, replace the label with the most values."""
        new = [value not in seen for value, seen in zip(values, self._seen, strict=True)]
        if not any(new):
            widest = max(range(len(values)), key=lambda place: len(self._seen[place]))
            new[widest] = True
        if len(self._cells) >= self._limit + _OVERFLOW_SERIES:
            new = [True] * len(values)
        for name, replaced in zip(self.spec.labels, new, strict=True):
            if replaced:
                self._overflowed(self.spec.name, name)
        return tuple(OVERFLOW if replaced else value for value, replaced in zip(values, new, strict=True))


def cleaned(value: str) -> str:
    """Return *value* as text that any reader of the page can take: encodable, and not too long."""
    if len(value) > VALUE_LENGTH:
        value = value[: VALUE_LENGTH - 1] + "…"
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
