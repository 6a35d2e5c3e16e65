"""The cells of the hot path: one for each series, each a few machine words and a lock.

The locks are re-entrant, so that a signal handler may count while counting; and nothing is called between
reading a value and writing it, because that is where handlers run. A sample that would make a value negative
for ever, infinite or no number is left out, and whoever made the cell is told.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from threading import RLock
from time import time
from typing import NamedTuple, Protocol

Rejected = Callable[[], None]


class Record(Protocol):
    """Where a cell writes its value through to, for other processes to read: some numbers by place."""

    def __setitem__(self, place: int, value: float, /) -> None:
        """Store *value*."""
        ...


class Exemplar(NamedTuple):
    """The trace behind one observation."""

    trace_id: str
    span_id: str
    value: float
    timestamp: float


class Cell(Protocol):
    """What the cells have in common."""

    def renew_lock(self) -> None:
        """Take a free lock, in a forked child whose parent's threads may have held the old one."""
        ...

    def share(self, record: Record | None) -> None:
        """Write the value to *record* now and whenever it changes; to none, if that is given.

        It takes no lock, so that it may be called for all cells while one of them is written.
        """
        ...

    def reset(self, record: Record | None = None) -> None:
        """Be as new, in a forked child, which has counted nothing; *record* is told of the first write."""
        ...


def _ignore() -> None:
    """Do nothing, where nobody wants to be told."""


class CounterCell:
    """A value that only rises."""

    __slots__ = ("_lock", "_record", "_rejected", "value")
    _record: Record | None

    def __init__(self, rejected: Rejected = _ignore) -> None:
        self._rejected = rejected
        self.reset()

    def renew_lock(self) -> None:
        """Take a free lock."""
        self._lock = RLock()

    def share(self, record: Record | None) -> None:
        """Write the value to *record* from now on."""
        self._record = record
        _store(self, record)

    def reset(self, record: Record | None = None) -> None:
        """Be as new."""
        self.renew_lock()
        self._record = record
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Add *amount*; what is negative, or would not leave a finite sum, is rejected."""
        if amount >= 0.0:
            with self._lock:
                total = self.value + amount
                if total < math.inf:
                    self.value = total
                    if self._record is not None:
                        self._record[0] = total
                    return
        self._rejected()


class GaugeCell:
    """A value that goes up and down."""

    __slots__ = ("_lock", "_record", "_rejected", "value")
    _record: Record | None

    def __init__(self, rejected: Rejected = _ignore) -> None:
        self._rejected = rejected
        self.reset()

    def renew_lock(self) -> None:
        """Take a free lock."""
        self._lock = RLock()

    def share(self, record: Record | None) -> None:
        """Write the value to *record* from now on."""
        self._record = record
        _store(self, record)

    def reset(self, record: Record | None = None) -> None:
        """Be as new."""
        self.renew_lock()
        self._record = record
        self.value = 0.0

    def add(self, amount: float) -> None:
        """Add *amount*, which may be negative; what would not leave a finite value is rejected."""
        with self._lock:
            total = self.value + amount
            if -math.inf < total < math.inf:
                self.value = total
                if self._record is not None:
                    self._record[0] = total
                return
        self._rejected()

    def set(self, value: float) -> None:
        """Replace the value; what is not finite is rejected."""
        if math.isfinite(value):
            with self._lock:  # An add() in another thread is between reading and writing.
                self.value = value
                if self._record is not None:
                    self._record[0] = value
        else:
            self._rejected()


class HistogramCell:
    """Counts of observations by bucket, and their sum.

    Attributes:
        is_fresh: Whether there are exemplars that nobody has taken; whoever takes them says so here.
    """

    __slots__ = ("_bounds", "_lock", "_record", "_rejected", "counts", "exemplars", "is_fresh", "sum")
    _record: Record | None

    def __init__(self, bounds: tuple[float, ...], rejected: Rejected = _ignore) -> None:
        self._bounds = bounds
        self._rejected = rejected
        self.reset()

    def renew_lock(self) -> None:
        """Take a free lock."""
        self._lock = RLock()

    def share(self, record: Record | None) -> None:
        """Write the counts and behind them the sum to *record* from now on."""
        self._record = record
        self.is_fresh = self.exemplars is not None
        if record is None:
            return
        written: list[float] | None = None
        while written != (now := [*self.counts, self.sum]):
            for place, value in enumerate(now):
                record[place] = value
            written = now

    def reset(self, record: Record | None = None) -> None:
        """Be as new."""
        self.renew_lock()
        self._record = record
        self.counts = [0] * (len(self._bounds) + 1)
        self.sum = 0.0
        self.exemplars: list[Exemplar | None] | None = None
        self.is_fresh = False

    def observe(self, value: float, trace: tuple[str, str] | None = None) -> None:
        """File *value* in its bucket, with the ids of a sampled *trace* and span as its exemplar.

        What is negative, or would not leave a finite sum, is rejected.
        """
        if value >= 0.0:
            index = bisect_left(self._bounds, value)
            with self._lock:
                total = self.sum + value
                if total < math.inf:
                    self.counts[index] += 1
                    self.sum = total
                    if self._record is not None:
                        self._record[index] = self.counts[index]
                        self._record[-1] = total
                    if trace is not None:
                        self._keep(index, Exemplar(*trace, value, time()))
                    return
        self._rejected()

    def snapshot(self) -> tuple[list[int], float, list[Exemplar | None]]:
        """Return the counts, their sum and the exemplars as they were at one instant."""
        with self._lock:
            return self.counts.copy(), self.sum, (self.exemplars or [None] * len(self.counts)).copy()

    def _keep(self, index: int, exemplar: Exemplar) -> None:
        if self.exemplars is None:
            self.exemplars = [None] * len(self.counts)
        self.exemplars[index] = exemplar
        self.is_fresh = True


def _store(cell: CounterCell | GaugeCell, record: Record | None) -> None:
    """Write the value of *cell* to *record*; again if somebody has changed it meanwhile."""
    written: float | None = None
    while record is not None and written != cell.value:
        written = record[0] = cell.value
