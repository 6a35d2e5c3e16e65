"""The cells of the hot path: one for each series, each a few machine words and a lock.

The locks are re-entrant, so that a signal handler may count while counting.
"""

import math
from bisect import bisect_left
from threading import RLock
from time import time
from typing import NamedTuple


class Exemplar(NamedTuple):
    """The trace behind one observation."""

    trace_id: str
    span_id: str
    value: float
    timestamp: float


class CounterCell:
    """A value that only rises."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self._lock = RLock()
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Add *amount*; what is negative or not finite is left out, as it would spoil the sum for ever."""
        if 0.0 <= amount < math.inf:
            with self._lock:
                self.value += amount


class GaugeCell:
    """A value that goes up and down."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self._lock = RLock()
        self.value = 0.0

    def add(self, amount: float) -> None:
        """Add *amount*, which may be negative."""
        with self._lock:
            self.value += amount

    def set(self, value: float) -> None:
        """Replace the value."""
        self.value = value


class HistogramCell:
    """Counts of observations by bucket, and their sum."""

    __slots__ = ("_bounds", "_lock", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._lock = RLock()
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: list[Exemplar | None] | None = None

    def observe(self, value: float, trace: tuple[str, str] | None = None) -> None:
        """File *value* in its bucket, with the ids of a sampled *trace* and span as its exemplar.

        What is negative or not finite is left out, because it would spoil the sum for ever.
        """
        if not 0.0 <= value < math.inf:
            return
        index = bisect_left(self._bounds, value)
        with self._lock:
            self.counts[index] += 1
            self.sum += value
            if trace is not None:
                if self.exemplars is None:
                    self.exemplars = [None] * len(self.counts)
                self.exemplars[index] = Exemplar(*trace, value, time())

    def snapshot(self) -> tuple[list[int], float, list[Exemplar | None]]:
        """Return the counts, their sum and the exemplars as they were at one instant."""
        with self._lock:
            return self.counts.copy(), self.sum, (self.exemplars or [None] * len(self.counts)).copy()
