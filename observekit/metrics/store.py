"""All families of the catalogue that are in use, as one collector of prometheus-client."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar as ClientExemplar
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from observekit.catalogue import MetricSpec
from observekit.catalogue.metrics import SAMPLES_REJECTED, SERIES_OVERFLOW
from observekit.guard import in_forked_child
from observekit.metrics.cells import CounterCell, Exemplar, GaugeCell, HistogramCell
from observekit.metrics.family import Family, cleaned
from observekit.metrics.labelled import Labelled
from observekit.metrics.own import Blocks, histograms, readings, single_values
from observekit.metrics.text import Format

Reading = Iterable[tuple[tuple[str, ...], float]]


class Store:
    """Makes instruments from specs and hands their samples to a registry.

    Args:
        series_limit: Series a family may have before label values become ``_overflow``.
        failed: Told the name of a family that could not be read, which costs the page this family only.
    """

    def __init__(self, series_limit: int, failed: Callable[[str, Exception], None] = lambda *_: None) -> None:
        self._limit = series_limit
        self._failed = failed
        self._specs: list[MetricSpec] = []
        self._families: list[Family[Any]] = []
        self._collect: dict[str, Callable[[], Metric]] = {}
        self._blocks: dict[str, Blocks] = {}
        # Their label values are names of ours; with a limit they would count themselves, and that again.
        self._overflow = self._counter(SERIES_OVERFLOW, CounterCell, sys.maxsize)
        self._rejected = self._counter(SAMPLES_REJECTED, CounterCell, sys.maxsize)
        in_forked_child(self._renew_locks)

    def counter(self, spec: MetricSpec) -> Family[CounterCell]:
        """Make a counter family; where all label values are known, its series start at zero."""
        return self._counter(spec, lambda: CounterCell(self._rejects(spec)), self._limit)

    def gauge(self, spec: MetricSpec) -> Family[GaugeCell]:
        """Make a gauge family."""
        family = Family(spec, lambda: GaugeCell(self._rejects(spec)), self._limit, self._overflowed)
        self._add(spec, family, lambda: _single_values(spec, family), single_values(spec, family))
        return family

    def histogram(self, spec: MetricSpec) -> Family[HistogramCell]:
        """Make a histogram family with the buckets of the spec."""
        family = self._histogram(spec)
        self._add(spec, None, lambda: _histograms(spec, family), histograms(spec, family))
        return family

    def labelled(self, spec: MetricSpec) -> Labelled:
        """Make histograms whose series may have further labels."""
        labelled = Labelled(spec, self._histogram, self._overflowed)
        self._add(spec, None, lambda: _labelled(labelled), labelled.blocks)
        return labelled

    def reading(self, spec: MetricSpec, read: Callable[[], Reading]) -> None:
        """Show what *read* returns at each scrape; it must be quick and must not wait for anything."""
        self._add(spec, None, lambda: _values(spec, read()), readings(spec, read))

    def collect(self) -> Iterator[Metric]:
        """Yield the families, as prometheus-client's registry asks for them."""
        for name, collect in list(self._collect.items()):
            try:
                yield collect()
            except Exception as error:  # noqa: BLE001 -- one family that cannot be read leaves the others there
                self._failed(name, error)

    def blocks(self, form: Format) -> Iterator[str]:
        """Yield the text of the families, a block for each series."""
        for name, blocks in list(self._blocks.items()):
            try:
                yield from blocks(form)
            except Exception as error:  # noqa: BLE001 -- as in collect()
                self._failed(name, error)

    def describe(self) -> list[Metric]:
        """Return the families without samples, so that a clash of names is found at registration."""
        return [Metric(_family_name(spec), "", _kind(spec)) for spec in self._specs]

    def _counter(self, spec: MetricSpec, make: Callable[[], CounterCell], limit: int) -> Family[CounterCell]:
        family = Family(spec, make, limit, self._overflowed)
        self._add(spec, family, lambda: _single_values(spec, family), single_values(spec, family))
        return family

    def _histogram(self, spec: MetricSpec) -> Family[HistogramCell]:
        rejects = self._rejects(spec)
        family = Family(spec, lambda: HistogramCell(spec.buckets, rejects), self._limit, self._overflowed)
        self._families.append(family)
        return family

    def _add(
        self, spec: MetricSpec, family: Family[Any] | None, collect: Callable[[], Metric], blocks: Blocks
    ) -> None:
        self._specs.append(spec)
        self._blocks[spec.name] = blocks
        if family is not None:
            self._families.append(family)
        self._collect[spec.name] = collect

    def _rejects(self, spec: MetricSpec) -> Callable[[], None]:
        return partial(self._count_rejected, spec.name)

    def _count_rejected(self, metric: str) -> None:
        self._rejected.cell(metric).add()

    def _overflowed(self, metric: str, label: str) -> None:
        self._overflow.cell(metric, label).add()

    def _renew_locks(self) -> None:
        for family in self._families:
            family.renew_locks()


def _family_name(spec: MetricSpec) -> str:
    return spec.name.removesuffix("_total").removesuffix("_info")


def _kind(spec: MetricSpec) -> str:
    # OpenMetrics wants a stateset's label to bear the name of the family; as gauge it may be called state.
    return "gauge" if spec.kind == "stateset" else spec.kind


def _values(spec: MetricSpec, values: Reading) -> Metric:
    metric = Metric(_family_name(spec), spec.help, _kind(spec))
    metric.samples = [
        Sample(spec.name, _named(spec, tuple(map(cleaned, labels))), value) for labels, value in values
    ]
    return metric


def _single_values(spec: MetricSpec, family: Family[CounterCell] | Family[GaugeCell]) -> Metric:
    return _values(spec, ((labels, cell.value) for labels, cell in family.series()))


def _labelled(labelled: Labelled) -> Metric:
    metric = Metric(labelled.spec.name, labelled.spec.help, "histogram")
    for family in labelled.families():
        metric.samples.extend(_histograms(family.spec, family).samples)
    return metric


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


def _named(spec: MetricSpec, values: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(spec.labels, values, strict=True))


def _shown(exemplar: Exemplar | None) -> ClientExemplar | None:
    if exemplar is None:
        return None
    ids = {"trace_id": exemplar.trace_id, "span_id": exemplar.span_id}
    return ClientExemplar(ids, exemplar.value, exemplar.timestamp)
