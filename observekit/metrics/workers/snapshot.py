"""What all the workers of a group have counted, as it was at one moment."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from observekit.metrics.workers import exemplars
from observekit.metrics.workers.keys import Marks, Places
from observekit.metrics.workers.merging import combine
from observekit.metrics.workers.plans import Plans, can_be_planned
from observekit.metrics.workers.shapes import Labels, Shape, SharedExemplar, Values
from observekit.metrics.workers.sieving import Sieve

Found = list[tuple[dict[Labels, int], Values]]


class Page(NamedTuple):
    """What one worker has counted, or all of those that have gone.

    Attributes:
        odd: Which of the values may be negative or not finite, so that they have to be looked at.
        sieve: What is known of the file that it comes from.
    """

    slot: int
    living: bool
    shapes: dict[Shape, Shape]
    places: Places
    minus: Places
    values: Values
    odd: list[int]
    marks: Marks
    exemplars: bytes
    sieve: Sieve


class Snapshot:
    """The sum over all workers.

    Attributes:
        skipped: How many series were left out, of one worker each, because their values cannot be.
    """

    def __init__(
        self, pages: list[Page], pause: Callable[[], None] = lambda: None, plans: Plans | None = None
    ) -> None:
        self._plans = Plans() if plans is None else plans
        self._pages: list[Page] = []
        self.skipped = 0
        for page in pages:
            cleaned, skipped = _clean(page)
            self._pages.append(cleaned)
            self.skipped += skipped
            pause()
        self._shapes: dict[Shape, Shape] = {}
        for page in self._pages:
            for identity, shape in page.shapes.items():
                if page.living or not shape.of_the_living:
                    self._shapes.setdefault(identity, shape)

    def families(self) -> Iterable[Shape]:
        """Return the families of all workers, each once."""
        return list(self._shapes.values())

    def is_living(self, shape: Shape) -> bool:
        """Tell whether a worker that lives has *shape*."""
        return any(page.living and shape.identity in page.shapes for page in self._pages)

    def series(self, shape: Shape) -> dict[Labels, Values]:
        """Return the series of *shape*, merged as it says."""
        return dict(self.merged(shape))

    def merged(self, shape: Shape) -> Iterator[tuple[Labels, Values]]:
        """Yield the series of *shape* one by one, so that whoever writes them can pause in between."""
        if can_be_planned(shape):
            yield from self._planned(shape)
            return
        for labels, columns in self.columns(shape):
            yield labels, combine(shape, columns)

    def _planned(self, shape: Shape) -> Iterator[tuple[Labels, Values]]:
        found, minus = self._found(shape)
        for labels, values in self._plans.merged(shape, found):
            less = any(labels in places for places, _ in minus)
            yield labels, combine(shape, _columns(shape, labels, found, minus)) if less else values

    def columns(self, shape: Shape) -> Iterator[tuple[Labels, list[Values]]]:
        """Yield the series of *shape* one by one, as each worker has it."""
        found, minus = self._found(shape)
        for labels in dict.fromkeys(chain.from_iterable(places for places, _ in found)):
            yield labels, _columns(shape, labels, found, minus)

    def _found(self, shape: Shape) -> tuple[Found, Found]:
        """Return where each worker has the series of *shape*, and what is to be taken away from them."""
        identity = shape.identity
        pages = [page for page in self._pages if page.living or not shape.of_the_living]
        found = [(_places(page, identity, shape), page.values) for page in pages]
        return found, [(page.minus[identity], page.values) for page in pages if page.minus.get(identity)]

    def exemplars(self, shape: Shape, labels: Labels) -> list[SharedExemplar | None]:
        """Return the newest exemplar of each bucket, of the living workers."""
        newest: list[SharedExemplar | None] = [None] * (len(shape.bounds) + 1)
        for page in self._pages:
            if page.living:
                for bucket, start in page.marks.get((shape.identity, labels), {}).items():
                    found = exemplars.unpack(page.exemplars, start)
                    if found is not None and 0 <= bucket < len(newest):
                        before = newest[bucket]
                        if before is None or found.timestamp > before.timestamp:
                            newest[bucket] = found
        return newest


def doubles(data: bytes) -> Values:
    """Return the doubles that *data* are, without half of one at the end."""
    return array("d", data[: len(data) // 8 * 8]).tolist()


def _columns(shape: Shape, labels: Labels, found: Found, minus: Found) -> list[Values]:
    """Return one series as each worker has it."""
    width = shape.width
    columns = [
        values[start : start + width] for places, values in found if (start := places.get(labels)) is not None
    ]
    for places, values in minus:
        if (start := places.get(labels)) is not None:
            columns.append([-value for value in values[start : start + width]])
    return columns


def _places(page: Page, identity: Shape, shape: Shape) -> dict[Labels, int]:
    places = page.places.get(identity, {})
    if shape.merge != "worker":
        return places
    slot = str(page.slot)
    return {(*labels, slot): start for labels, start in places.items()}


def _clean(page: Page) -> tuple[Page, int]:
    """Return *page* without series that cannot be, and how many of those it had."""
    if not page.odd:
        return page, 0
    places, minus, skipped = page.sieve.sift(page.places, page.minus, page.values, page.odd)
    return page._replace(places=places, minus=minus), skipped
