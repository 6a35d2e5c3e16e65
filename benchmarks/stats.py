"""The middle of many measurements, and how far they spread."""

from statistics import quantiles
from typing import NamedTuple


class Spread(NamedTuple):
    """Median and quartiles."""

    low: float
    median: float
    high: float


def spread(values: list[float]) -> Spread:
    """Return the median of *values* between their quartiles."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*quantiles(values, n=4, method="inclusive"))
