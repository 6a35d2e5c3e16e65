"""Our own families as blocks of text, from the cells of this process."""

from collections.abc import Callable, Iterable, Iterator

from observekit.catalogue import MetricSpec
from observekit.metrics.cells import CounterCell, Exemplar, GaugeCell, HistogramCell
from observekit.metrics.family import Family, Labels, cleaned
from observekit.metrics.lines import Lines
from observekit.metrics.text import Format
from observekit.metrics.workers.shapes import Merge, Shape, SharedExemplar

Blocks = Callable[[Format], Iterator[str]]


def single_values(spec: MetricSpec, family: Family[CounterCell] | Family[GaugeCell]) -> Blocks:
    """Return what writes a family of counters or gauges."""
    lines = lines_of(spec)

    def blocks(form: Format) -> Iterator[str]:
        yield lines.introduction(form)
        for values, cell in family.series():
            yield lines.single(values, cell.value)

    return blocks


def readings(spec: MetricSpec, read: Callable[[], Iterable[tuple[Labels, float]]]) -> Blocks:
    """Return what writes a family whose values are read when it is scraped."""

    def blocks(form: Format) -> Iterator[str]:
        read_now = list(read())  # Before the heading, so that a family that cannot be read leaves none.
        lines = lines_of(spec)  # Anew: label values come and go.
        yield lines.introduction(form)
        for values, value in read_now:
            yield lines.single(tuple(map(cleaned, values)), float(value))

    return blocks


def histograms(spec: MetricSpec, family: Family[HistogramCell]) -> Blocks:
    """Return what writes a family of histograms."""
    lines = lines_of(spec)

    def blocks(form: Format) -> Iterator[str]:
        yield lines.introduction(form)
        for values, cell in family.series():
            counts, total, exemplars = cell.snapshot()
            traces = [one and as_shared(one) for one in exemplars] if form == "openmetrics" else []
            yield lines.histogram(values, counts, total, traces if any(traces) else None)

    return blocks


def introduction(spec: MetricSpec, form: Format) -> str:
    """Return the lines above the families of *spec*."""
    return lines_of(spec).introduction(form)


def lines_of(spec: MetricSpec) -> Lines:
    """Return what writes series of *spec*."""
    return Lines(family_name(spec), shown_kind(spec), spec.help, "", spec.labels, spec.buckets)


def shape_of(spec: MetricSpec) -> Shape | None:
    """Return what a family is for several workers; none where only the one that answers shows it."""
    if spec.across == "one":
        return None
    labels, buckets = spec.labels, spec.buckets
    return Shape(family_name(spec), shown_kind(spec), spec.help, "", labels, buckets, _merge_of(spec))


def _merge_of(spec: MetricSpec) -> Merge:
    if spec.across == "worker":
        return "worker"
    if spec.across == "max":
        return "live_max"
    return "live_sum" if spec.kind == "gauge" else "sum"


def family_name(spec: MetricSpec) -> str:
    """Return the name of the family, to which its samples add an ending."""
    return spec.name.removesuffix("_total").removesuffix("_info")


def shown_kind(spec: MetricSpec) -> str:
    """Return the type as it stands on the page."""
    # OpenMetrics wants a stateset's label to bear the name of the family; as gauge it may be called state.
    return "gauge" if spec.kind == "stateset" else spec.kind


def as_shared(exemplar: Exemplar) -> SharedExemplar:
    """Return *exemplar* as it stands on the page."""
    ids = {"trace_id": exemplar.trace_id, "span_id": exemplar.span_id}
    return SharedExemplar(ids, exemplar.value, exemplar.timestamp)
