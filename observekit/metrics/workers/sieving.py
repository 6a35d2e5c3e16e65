"""Leaving out series that are there no more, or cannot be, without a look at all the others.

A gauge below zero is no damage, and one of them must not make a page of many thousand series slow: whose the
few doubles are that need a look is remembered, because no series ever moves in a file.
"""

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator
from math import isfinite
from typing import Final, NamedTuple

from observekit.metrics.workers.keys import Places
from observekit.metrics.workers.shapes import Labels, Shape, Values, is_absent

_HIGH_BYTE: Final = 7 if sys.byteorder == "little" else 0
_SUSPECT: Final = re.compile(rb"[\x7f-\xff]")

_Gone = dict[Shape, set[Labels]]


class _Owner(NamedTuple):
    is_minus: bool
    shape: Shape
    labels: Labels
    start: int


class _Sifted(NamedTuple):
    """What was left of *places*, so that it is the same object the next time, for those who know it."""

    places: dict[Labels, int]
    gone: set[Labels]
    left: dict[Labels, int]


def suspects(data: bytes) -> list[int]:
    """Return which of the doubles *data* may be below zero, infinite or no number.

    Some that are near the end of their range are among them. A tenth of what it takes to compare them: only
    the byte with the sign and half of the exponent is seen.
    """
    high = data[_HIGH_BYTE::8]
    if high.isascii() and b"\x7f" not in high:
        return []
    return [found.start() for found in _SUSPECT.finditer(high)]


class Sieve:
    """What is known of one file: whose its suspects were so far."""

    __slots__ = ("_owners", "_sifted")

    def __init__(self) -> None:
        self._owners: dict[int, _Owner] = {}
        self._sifted: dict[tuple[bool, Shape], _Sifted] = {}

    def sift(
        self, places: Places, minus: Places, values: Values, odd: list[int]
    ) -> tuple[Places, Places, int]:
        """Return *places* and *minus* without series that are not there, and how many of them cannot be.

        *odd* are the suspects among *values*.
        """
        unknown = [place for place in odd if place not in self._owners]
        if unknown:
            self._owners.update(_owners(places, minus, unknown))
        absent, broken, excess = self._judged(values, odd)
        skipped = sum(map(len, broken.values())) + sum(map(len, excess.values()))
        for shape, labels in broken.items():
            absent.setdefault(shape, set()).update(labels)
        left = self._without(places, absent, is_minus=False)
        return left, self._without(minus, excess, is_minus=True), skipped

    def _judged(self, values: Values, odd: list[int]) -> tuple[_Gone, _Gone, _Gone]:
        """Return what is absent, what cannot be, and what cannot be taken away."""
        absent: _Gone = {}
        broken: _Gone = {}
        excess: _Gone = {}
        found = [owner for place in odd if (owner := self._owners.get(place)) is not None]
        for owner in {one.start: one for one in found}.values():
            series = values[owner.start : owner.start + owner.shape.width]
            if not owner.is_minus and is_absent(series[0]):
                absent.setdefault(owner.shape, set()).add(owner.labels)
            elif not _can_be(owner.shape, series):
                (excess if owner.is_minus else broken).setdefault(owner.shape, set()).add(owner.labels)
        return absent, broken, excess

    def _without(self, tables: Places, gone: _Gone, *, is_minus: bool) -> Places:
        if not gone:
            return tables
        left = dict(tables)
        for shape, labels in gone.items():
            if shape in tables:
                left[shape] = self._left(tables[shape], labels, (is_minus, shape))
        return left

    def _left(
        self, places: dict[Labels, int], gone: set[Labels], key: tuple[bool, Shape]
    ) -> dict[Labels, int]:
        known = self._sifted.get(key)
        if known is None or known.places is not places or known.gone != gone:
            left = {labels: start for labels, start in places.items() if labels not in gone}
            known = self._sifted[key] = _Sifted(places, gone, left)
        return known.left


def _owners(places: Places, minus: Places, suspected: list[int]) -> Iterator[tuple[int, _Owner]]:
    """Yield whose each of the *suspected* is, as far as it is anybody's; they are in order."""
    for is_minus, tables in ((False, places), (True, minus)):
        for shape, found in tables.items():
            width = shape.width
            for labels, start in found.items():
                first = bisect_left(suspected, start)
                if first < len(suspected) and suspected[first] < start + width:
                    owner = _Owner(is_minus, shape, labels, start)
                    last = bisect_left(suspected, start + width)
                    yield from ((place, owner) for place in suspected[first:last])


def _can_be(shape: Shape, series: Values) -> bool:
    # What can be observed or added may be infinite or NaN, as with prometheus-client: counts of it cannot.
    if shape.kind == "counter":
        return not series[0] < 0
    return all(isfinite(value) and value >= 0 for value in series[: shape.counts])
