"""All families of the catalogue that are in use, as one collector of prometheus-client."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar as ClientExemplar
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from observekit.catalogue import MetricSpec
from observekit.catalogue.metrics import SAMPLES_REJECTED, SERIES_OVERFLOW
from observekit.guard import in_forked_child
from observekit.metrics.cells import CounterCell, Exemplar, GaugeCell, HistogramCell, Record
from observekit.metrics.family import AnyCell, Family, Labels, cleaned
from observekit.metrics.labelled import Labelled
from observekit.metrics.own import (
    Blocks,
    family_name,
    histograms,
    readings,
    shape_of,
    shown_kind,
    single_values,
)
from observekit.metrics.text import Format
from observekit.metrics.workers.shapes import Shape

Reading = Iterable[tuple[tuple[str, ...], float]]
RecordOf = Callable[[Shape, Labels], Record]


class Shown(NamedTuple):
    """One metric and how it is shown.

    Where it is read, and not counted, ``told`` are the values that other workers show. With
    ``further_labels`` its series may have others than the spec says.
    """

    spec: MetricSpec
    collect: Callable[[], Metric]
    blocks: Blocks
    told: Callable[[], Reading] | None = None
    further_labels: bool = False

    @property
    def shape(self) -> Shape | None:
        """What the family is for several workers; none where only the one that answers shows it."""
        return shape_of(self.spec)


class Store:
    """Makes instruments from specs and hands their samples to a registry.

    Args:
        series_limit: Series a family may have before label values become ``_overflow``.
        failed: Told the name of a family that could not be read, which costs the page this family only.
    """

    def __init__(self, series_limit: int, failed: Callable[[str, Exception], None] = lambda *_: None) -> None:
        self._limit = series_limit
        self._failed = failed
        self._record: RecordOf | None = None
        self._shown: dict[str, Shown] = {}
        self._families: list[Family[Any]] = []
        # Their label values are names of ours; with a limit they would count themselves, and that again.
        self._overflow = self._counter(SERIES_OVERFLOW, CounterCell, sys.maxsize)
        self._rejected = self._counter(SAMPLES_REJECTED, CounterCell, sys.maxsize)
        in_forked_child(self._renew_locks)

    def counter(self, spec: MetricSpec) -> Family[CounterCell]:
        """Make a counter family; where all label values are known, its series start at zero."""
        return self._counter(spec, lambda: CounterCell(self._rejects(spec)), self._limit)

    def gauge(self, spec: MetricSpec) -> Family[GaugeCell]:
        """Make a gauge family."""
        rejects = self._rejects(spec)
        family = self._shared(Family(spec, lambda: GaugeCell(rejects), self._limit, self._overflowed))
        self._add(Shown(spec, lambda: _single_values(spec, family), single_values(spec, family)))
        return family

    def histogram(self, spec: MetricSpec) -> Family[HistogramCell]:
        """Make a histogram family with the buckets of the spec."""
        family = self._histogram(spec)
        self._add(Shown(spec, lambda: _histograms(spec, family), histograms(spec, family)))
        return family

    def labelled(self, spec: MetricSpec) -> Labelled:
        """Make histograms whose series may have further labels."""
        labelled = Labelled(spec, self._histogram, self._overflowed)
        self._add(Shown(spec, lambda: _labelled(labelled), labelled.blocks, further_labels=True))
        return labelled

    def reading(
        self, spec: MetricSpec, read: Callable[[], Reading], told: Callable[[], Reading] | None = None
    ) -> None:
        """Show what *read* returns at each scrape; it must be quick and must not wait for anything.

        Among several workers it is what *told* returns, if that is given.
        """
        self._add(Shown(spec, lambda: _values(spec, read()), readings(spec, read), told or read))

    def collect(self) -> Iterator[Metric]:
        """Yield the families, as prometheus-client's registry asks for them."""
        for one in self.shown():
            try:
                yield one.collect()
            except Exception as error:  # noqa: BLE001 -- one family that cannot be read leaves the others there
                self._failed(one.spec.name, error)

    def blocks(self, form: Format) -> Iterator[str]:
        """Yield the text of the families, a block for each series."""
        for one in self.shown():
            try:
                yield from one.blocks(form)
            except Exception as error:  # noqa: BLE001 -- as in collect()
                self._failed(one.spec.name, error)

    def describe(self) -> list[Metric]:
        """Return the families without samples, so that a clash of names is found at registration."""
        return [Metric(family_name(one.spec), "", shown_kind(one.spec)) for one in self.shown()]

    def shown(self) -> list[Shown]:
        """Return all families in the order of the page."""
        return list(self._shown.values())

    def share(self, record: RecordOf | None) -> None:
        """Let all cells write through to what *record* returns for them; those of one's own do not."""
        self._record = record
        for family in self._families.copy():
            self._share(family)

    def reset(self, first: Record) -> None:
        """Be at zero in a forked child, which has counted nothing; *first* is told of the first write."""
        self._record = lambda *_: first
        for family in self._families:
            family.reset(first)

    def with_new_exemplars(self) -> Iterator[tuple[Shape, Labels, HistogramCell]]:
        """Yield the histograms that have got exemplars since they were yielded the last time."""
        for family in self._families.copy():
            shape = shape_of(family.spec)
            if family.spec.kind == "histogram" and shape is not None:
                for labels, cell in family.series():
                    if cell.is_fresh:
                        cell.is_fresh = False
                        yield shape, labels, cell

    def _counter(self, spec: MetricSpec, make: Callable[[], CounterCell], limit: int) -> Family[CounterCell]:
        family = self._shared(Family(spec, make, limit, self._overflowed))
        self._add(Shown(spec, lambda: _single_values(spec, family), single_values(spec, family)))
        return family

    def _histogram(self, spec: MetricSpec) -> Family[HistogramCell]:
        rejects = self._rejects(spec)
        return self._shared(
            Family(spec, lambda: HistogramCell(spec.buckets, rejects), self._limit, self._overflowed)
        )

    def _add(self, one: Shown) -> None:
        self._shown[one.spec.name] = one

    def _shared(self, family: Family[AnyCell]) -> Family[AnyCell]:
        # In this order: who shares all of them meanwhile sees it, or is seen here.
        self._families.append(family)
        self._share(family)
        return family

    def _share(self, family: Family[Any]) -> None:
        record, shape = self._record, shape_of(family.spec)
        family.share(None if record is None or shape is None else partial(record, shape))

    def _rejects(self, spec: MetricSpec) -> Callable[[], None]:
        return partial(self._count_rejected, spec.name)

    def _count_rejected(self, metric: str) -> None:
        self._rejected.cell(metric).add()

    def _overflowed(self, metric: str, label: str) -> None:
        self._overflow.cell(metric, label).add()

    def _renew_locks(self) -> None:
        for family in self._families:
            family.renew_locks()


def _values(spec: MetricSpec, values: Reading) -> Metric:
    metric = Metric(family_name(spec), spec.help, shown_kind(spec))
    metric.samples = [
        Sample(spec.name, _named(spec, tuple(map(cleaned, labels))), value) for labels, value in values
    ]
    return metric


def _single_values(spec: MetricSpec, family: Family[CounterCell] | Family[GaugeCell]) -> Metric:
    return _values(spec, ((labels, cell.value) for labels, cell in family.series()))


def _histograms(spec: MetricSpec, family: Family[HistogramCell]) -> Metric:
    metric = Metric(spec.name, spec.help, "histogram")
    bounds = [*map(floatToGoString, spec.buckets), "+Inf"]
    for values, cell in family.series():
        labels = _named(spec, values)
        counts, total, exemplars = cell.snapshot()
        running = 0
        for bound, count, exemplar in zip(bounds, counts, exemplars, strict=True):
            running += count
            sample = Sample(f"{spec.name}_bucket", {**labels, "le": bound}, running, None, _shown(exemplar))
            metric.samples.append(sample)
        metric.samples.append(Sample(f"{spec.name}_count", labels, running))
        metric.samples.append(Sample(f"{spec.name}_sum", labels, total))
    return metric


def _labelled(labelled: Labelled) -> Metric:
    metric = Metric(labelled.spec.name, labelled.spec.help, "histogram")
    for family in labelled.families():
        metric.samples.extend(_histograms(family.spec, family).samples)
    return metric


def _named(spec: MetricSpec, values: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(spec.labels, values, strict=True))


def _shown(exemplar: Exemplar | None) -> ClientExemplar | None:
    if exemplar is None:
        return None
    ids = {"trace_id": exemplar.trace_id, "span_id": exemplar.span_id}
    return ClientExemplar(ids, exemplar.value, exemplar.timestamp)
