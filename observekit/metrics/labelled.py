"""One metric whose series have further labels, others for each that declares some."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from threading import RLock
from typing import Final

from observekit.catalogue import MetricSpec
from observekit.guard import in_forked_child
from observekit.metrics.cells import HistogramCell
from observekit.metrics.family import Family
from observekit.metrics.own import histograms, introduction
from observekit.metrics.text import Format

# Sets of label names that one metric may have; a service declares a handful.
_SETS: Final = 64

Make = Callable[[MetricSpec], Family[HistogramCell]]


class Labelled:
    """Histograms of one name, a family for each set of labels that is declared.

    Args:
        spec: Name, buckets and the labels that all series have.
        make: Makes a family.
        overflowed: Told the metric and what is left out, where there are too many sets of labels.
    """

    def __init__(self, spec: MetricSpec, make: Make, overflowed: Callable[[str, str], None]) -> None:
        self.spec = spec
        self._make = make
        self._overflowed = overflowed
        self._families: dict[tuple[str, ...], tuple[Family[HistogramCell], Callable[..., Iterator[str]]]] = {}
        self._renew_lock()
        in_forked_child(self._renew_lock)

    def cell(self, values: tuple[str, ...], more: Mapping[str, str]) -> HistogramCell:
        """Return the cell of the series with *values* for the labels of the spec, and *more* labels."""
        names = tuple(sorted(more))
        found = self._families.get(names)
        family = self._added(names) if found is None else found[0]
        if family is None:
            self._overflowed(self.spec.name, "_labels")
            return self.cell(values, {})
        return family.cell(*values, *(more[name] for name in names))

    def families(self) -> list[Family[HistogramCell]]:
        """Return the families that there are now."""
        return [family for family, _ in list(self._families.values())]

    def blocks(self, form: Format) -> Iterator[str]:
        """Yield the text of all series under one heading."""
        yield introduction(self.spec, form)
        for _, blocks in list(self._families.values()):
            yield from islice(blocks(form), 1, None)

    def _added(self, names: tuple[str, ...]) -> Family[HistogramCell] | None:
        with self._lock:
            if names in self._families:
                return self._families[names][0]
            if names and len(self._families) >= _SETS:
                return None
            spec = replace(self.spec, labels=(*self.spec.labels, *names))
            family = self._make(spec)
            family.on_new(lambda labels: self._expect(family, labels))
            self._families[names] = family, histograms(spec, family)
            return family

    def _expect(self, family: Family[HistogramCell], labels: tuple[str, ...]) -> None:
        """Show what else may come of it at zero, so that increase() sees the first time."""
        for place, name in enumerate(self.spec.labels):
            for value in self.spec.values.get(name, ()):
                family.prepare(*labels[:place], value, *labels[place + 1 :])

    def _renew_lock(self) -> None:
        self._lock = RLock()
