"""All families of the catalogue that are in use, as one collector of prometheus-client."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar as ClientExemplar
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from observekit.catalogue import METRICS, MetricSpec
from observekit.catalogue.metrics import SERIES_OVERFLOW
from observekit.metrics.cells import CounterCell, Exemplar, GaugeCell, HistogramCell
from observekit.metrics.family import Family

Reading = Iterable[tuple[tuple[str, ...], float]]


class Store:
    """Makes instruments from specs and hands their samples to a registry."""

    def __init__(self, series_limit: int) -> None:
        self._limit = series_limit
        self._collect: dict[str, Callable[[], Metric]] = {}
        self._overflow: Family[CounterCell] = self.counter(SERIES_OVERFLOW)

    def counter(self, spec: MetricSpec) -> Family[CounterCell]:
        """Make a counter family; where all label values are known, its series start at zero."""
        family = Family(spec, CounterCell, self._limit, self._overflowed)
        self._collect[spec.name] = lambda: _counters(spec, family)
        return family

    def gauge(self, spec: MetricSpec) -> Family[GaugeCell]:
        """Make a gauge family."""
        family = Family(spec, GaugeCell, self._limit, self._overflowed)
        self._collect[spec.name] = lambda: _values(
            spec, ((labels, cell.value) for labels, cell in family.series())
        )
        return family

    def histogram(self, spec: MetricSpec) -> Family[HistogramCell]:
        """Make a histogram family with the buckets of the spec."""
        bounds = spec.buckets
        family = Family(spec, lambda: HistogramCell(bounds), self._limit, self._overflowed)
        self._collect[spec.name] = lambda: _histograms(spec, family)
        return family

    def reading(self, spec: MetricSpec, read: Callable[[], Reading]) -> None:
        """Show what *read* returns at each scrape; it must be quick and must not wait for anything."""
        self._collect[spec.name] = lambda: _values(spec, read())

    def collect(self) -> Iterator[Metric]:
        """Yield the families, as prometheus-client's registry asks for them."""
        for collect in list(self._collect.values()):
            yield collect()

    def describe(self) -> list[Metric]:
        """Return the families without samples, so that a clash of names is found at registration."""
        return [Metric(_family_name(METRICS[name]), "", "unknown") for name in self._collect]

    def _overflowed(self, metric: str, label: str) -> None:
        self._overflow.cell(metric, label).add()


def _family_name(spec: MetricSpec) -> str:
    return spec.name.removesuffix("_total").removesuffix("_info")


def _values(spec: MetricSpec, values: Reading) -> Metric:
    # OpenMetrics wants a stateset's label to bear the name of the family; as gauge it may be called state.
    kind = "gauge" if spec.kind == "stateset" else spec.kind
    metric = Metric(_family_name(spec), spec.help, kind)
    metric.samples = [Sample(spec.name, _named(spec, labels), value) for labels, value in values]
    return metric


def _counters(spec: MetricSpec, family: Family[CounterCell]) -> Metric:
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


def _named(spec: MetricSpec, values: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(spec.labels, values, strict=True))


def _shown(exemplar: Exemplar | None) -> ClientExemplar | None:
    if exemplar is None:
        return None
    ids = {"trace_id": exemplar.trace_id, "span_id": exemplar.span_id}
    return ClientExemplar(ids, exemplar.value, exemplar.timestamp)
