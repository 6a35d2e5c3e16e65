"""How the series of a family are found in the values of all workers, kept from page to page.

Tables of keys only grow, so that where each series stands is looked up once; then some dozens of series are
put together by a handful of calls, in whatever order each worker has met them.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from math import fsum, inf
from operator import itemgetter
from typing import Any, Final, NamedTuple

from observekit.metrics.workers.merging import exact
from observekit.metrics.workers.shapes import Labels, Shape, Values

# Source: of sixteen workers this takes a third of a millisecond, and a page is made in turns of half a one.
_DOUBLES_AT_ONCE: Final = 512
_NEUTRAL: Final = {"sum": 0.0, "min": inf}

Places = dict[Labels, int]
Numbers = Sequence[float]


def can_be_planned(shape: Shape) -> bool:
    """Tell whether the doubles of *shape* are each put together by themselves."""
    return shape.merge in _NEUTRAL and shape.kind != "gauge"


class _Part(NamedTuple):
    """Some series, and for each worker what finds all their doubles in its values."""

    labels: list[Labels]
    finders: list[Callable[[Values], Numbers]]


class _Plan(NamedTuple):
    places: list[Places]
    parts: list[_Part]


class Plans:
    """One plan for each family, as long as no worker has further series of it.

    They are for families that can be planned: sums and minima of what is no gauge.
    """

    def __init__(self) -> None:
        self._known: dict[Shape, _Plan] = {}

    def merged(self, shape: Shape, found: list[tuple[Places, Values]]) -> Iterator[tuple[Labels, Values]]:
        """Yield the series of *shape* put together, from where each worker has them, and its values."""
        found = [(places, values) for places, values in found if places]
        # The last ones are for whoever has no such series.
        neutral = [_NEUTRAL[shape.merge]] * shape.width
        values = [of_one + neutral for _, of_one in found]
        for part in self._parts(shape, [places for places, _ in found]):
            columns = [find(of_one) for find, of_one in zip(part.finders, values, strict=True)]
            yield from zip(part.labels, _merged(shape, columns, len(part.labels)), strict=True)

    def _parts(self, shape: Shape, places: list[Places]) -> Iterator[_Part]:
        plan = self._known.get(shape.identity)
        if plan is not None and _are_the_same(plan.places, places):
            yield from plan.parts
            return
        parts = []
        for part in _made(shape, places):
            parts.append(part)
            yield part
        self._known[shape.identity] = _Plan(places, parts)


def _are_the_same(ones: list[Places], others: list[Places]) -> bool:
    return len(ones) == len(others) and all(one is other for one, other in zip(ones, others, strict=True))


def _made(shape: Shape, places: list[Places]) -> Iterator[_Part]:
    remaining = iter(dict.fromkeys(chain.from_iterable(places)))
    while labels := list(islice(remaining, max(1, _DOUBLES_AT_ONCE // shape.width))):
        yield _Part(labels, [_finder(labels, of_one, shape.width) for of_one in places])


def _finder(labels: list[Labels], places: Places, width: int) -> Callable[[Values], Numbers]:
    found = map(places.get, labels)
    if width == 1:  # The numbers that are in the table already, which take no more memory.
        wanted: list[Any] = [-1 if start is None else start for start in found]
        # Of a single place an itemgetter returns no tuple.
        of_places: Callable[[Values], Numbers] = _getter(*wanted, -1)
        return of_places
    nowhere = slice(-width, None)
    wanted = [nowhere if start is None else slice(start, start + width) for start in found]
    of_slices = _getter(*wanted, nowhere)
    return lambda values: list(chain.from_iterable(of_slices(values)))


_getter: Final[Any] = itemgetter  # typeshed has no type for so many.


def _merged(shape: Shape, columns: list[Numbers], series: int) -> Iterator[Values]:
    """Yield so many *series*; where they are added up, the last double of each is a sum itself, and exact."""
    width = shape.width
    if len(columns) == 1:
        flat = list(columns[0])
    elif shape.merge == "min":
        flat = list(map(min, zip(*columns, strict=True)))
    else:
        flat = list(map(sum, zip(*columns, strict=True)))
        flat[width - 1 :: width] = _exactly([column[width - 1 :: width] for column in columns])
    for start in range(0, series * width, width):
        yield flat[start : start + width]


def _exactly(columns: list[Numbers]) -> Values:
    try:
        return list(map(fsum, zip(*columns, strict=True)))
    except (OverflowError, ValueError):  # One of them is too large, or has infinities of both signs.
        return list(map(exact, zip(*columns, strict=True)))
