"""Our own families as blocks of text: one for each series, its labels written once and kept."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from observekit.catalogue import MetricSpec
from observekit.metrics.cells import CounterCell, Exemplar, GaugeCell, HistogramCell
from observekit.metrics.family import Family, Labels, cleaned
from observekit.metrics.text import Format, exemplar, heading, labels, number, whole

# Counts below this are written as they are, all lines of a series in one formatting.
_PLAIN_BELOW: Final = 1_000_000

Blocks = Callable[[Format], Iterator[str]]


def single_values(spec: MetricSpec, family: Family[CounterCell] | Family[GaugeCell]) -> Blocks:
    """Return what writes a family of counters or gauges."""
    heads: dict[Labels, str] = {}

    def blocks(form: Format) -> Iterator[str]:
        yield introduction(spec, form)
        for values, cell in family.series():
            head = heads.get(values)
            if head is None:
                head = heads[values] = f"{spec.name}{_labels(spec, values)} "
            yield f"{head}{number(cell.value)}\n"

    return blocks


def readings(spec: MetricSpec, read: Callable[[], Iterable[tuple[Labels, float]]]) -> Blocks:
    """Return what writes a family whose values are read when it is scraped."""

    def blocks(form: Format) -> Iterator[str]:
        read_now = list(read())  # Before the heading, so that a family that cannot be read leaves none.
        yield introduction(spec, form)
        for values, value in read_now:
            yield f"{spec.name}{_labels(spec, tuple(map(cleaned, values)))} {number(float(value))}\n"

    return blocks


def histograms(spec: MetricSpec, family: Family[HistogramCell]) -> Blocks:
    """Return what writes a family of histograms."""
    templates: dict[Labels, tuple[str, tuple[str, ...]]] = {}

    def blocks(form: Format) -> Iterator[str]:
        yield introduction(spec, form)
        for values, cell in family.series():
            known = templates.get(values)
            if known is None:
                known = templates[values] = _histogram_template(spec, values)
            counts, total, exemplars = cell.snapshot()
            running = list(accumulate(counts))
            if form == "openmetrics" and exemplars is not None:
                yield _with_exemplars(known[1], running, total, exemplars)
            elif running[-1] < _PLAIN_BELOW:
                yield known[0] % (*running, running[-1], number(total))
            else:
                yield _with_exemplars(known[1], running, total, [None] * len(running))

    return blocks


def introduction(spec: MetricSpec, form: Format) -> str:
    """Return the lines above a family of *spec*."""
    # OpenMetrics wants a stateset's label to bear the name of the family; as gauge it may be called state.
    kind = "gauge" if spec.kind == "stateset" else spec.kind
    return heading(spec.name.removesuffix("_total").removesuffix("_info"), kind, spec.help, "", form)


def _labels(spec: MetricSpec, values: Labels, *more: tuple[str, str]) -> str:
    return labels([*zip(spec.labels, values, strict=True), *more])


def _histogram_template(spec: MetricSpec, values: Labels) -> tuple[str, tuple[str, ...]]:
    """Return the series as one template for plain counts, and the heads of its lines."""
    bounds = [*map(number, spec.buckets), "+Inf"]
    plain = _labels(spec, values)
    heads = [f"{spec.name}_bucket{_labels(spec, values, ('le', bound))} " for bound in bounds]
    heads += [f"{spec.name}_count{plain} ", f"{spec.name}_sum{plain} "]
    template = "".join(head.replace("%", "%%") + "%d.0\n" for head in heads[:-1])
    return template + heads[-1].replace("%", "%%") + "%s\n", tuple(heads)


def _with_exemplars(
    heads: tuple[str, ...], running: list[int], total: float, exemplars: list[Exemplar | None]
) -> str:
    lines = [
        f"{head}{whole(count)}{'' if one is None else _exemplar(one)}\n"
        for head, count, one in zip(heads, running, exemplars, strict=False)
    ]
    return "".join([*lines, f"{heads[-2]}{whole(running[-1])}\n", f"{heads[-1]}{number(total)}\n"])


def _exemplar(one: Exemplar) -> str:
    return exemplar({"trace_id": one.trace_id, "span_id": one.span_id}, one.value, one.timestamp)
