"""How the values of one series in several workers become one.

Sums are exact before they are rounded, so that they come out the same whoever adds up, and in which order.
Otherwise two workers would tell them one unit in the last place apart, and Prometheus takes the smaller one
for the first after a restart, and counts all of it once more.
"""

from collections.abc import Callable, Iterable
from math import fsum, inf, nextafter
from operator import itemgetter
from typing import Final

from observekit.metrics.workers.shapes import Shape, Values


def exact(values: Iterable[float]) -> float:
    """Return the sum of *values*, rounded once."""
    values = list(values)
    try:
        return fsum(values)
    except (OverflowError, ValueError):  # Too large, or infinities of both signs.
        return sum(values)


_EACH: Final[dict[str, Callable[[Iterable[float]], float]]] = {
    "sum": exact,
    "worker": exact,  # A worker that has several pages; they never have the same series but in passing.
    "min": min,
    "max": max,
}
_VALUE: Final = itemgetter(0)
_LAST_SET: Final = itemgetter(1)


def combine(shape: Shape, columns: list[Values]) -> Values:
    """Return the *columns*, one for each worker that has the series, as one."""
    if len(columns) == 1:
        return columns[0]
    merge = shape.merge.removeprefix("live_")
    if shape.kind == "gauge":
        return _gauge(merge, columns)
    if merge == "most_recent":
        return columns[-1]  # Only a gauge knows when it was set.
    if merge == "sum":
        *counts, last = zip(*columns, strict=True)  # Counts are exact in any order.
        return [*map(sum, counts), exact(last)]
    return list(map(_EACH[merge], zip(*columns, strict=True)))


def parted(shape: Shape, columns: list[Values]) -> tuple[Values, Values]:
    """Return the *columns* as one, and by what that is too much, which no double could hold; or nothing.

    Together they have 106 bits of the sum. Neither has a value below zero, where the *columns* have none.
    """
    merged = combine(shape, columns)
    if shape.merge != "sum" or shape.kind == "gauge":
        return merged, []
    high, last = merged[-1], [column[-1] for column in columns]
    excess = -exact([*last, -high])
    if excess < 0:
        high = nextafter(high, inf)
        excess = -exact([*last, -high])
    if not 0 < excess < inf:
        return merged, []
    return [*merged[:-1], high], [*[0.0] * (len(merged) - 1), excess]


def _gauge(merge: str, columns: list[Values]) -> Values:
    if merge == "most_recent":
        return max(columns, key=_LAST_SET)
    return [_EACH[merge](map(_VALUE, columns)), max(map(_LAST_SET, columns))]
