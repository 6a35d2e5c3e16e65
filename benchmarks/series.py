"""Metrics for pages of a given length: a user's own with prometheus-client, and the same in our cells."""

from collections.abc import Callable, Iterator
from random import Random

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from observekit.catalogue import MetricSpec
from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.metrics.store import Store

_SEED = 20_26
_OBSERVATIONS = 20
_ANOTHER = 0.2
_METHODS = ("GET", "POST", "PUT", "DELETE")
# A line for each bucket, one for the last of them, the count and the sum.
LINES_EACH = len(REQUEST_DURATION.buckets) + 3


Change = Callable[[], None]


def client_metrics(registry: CollectorRegistry, lines: int) -> Change:
    """Put a histogram of *lines* lines into *registry*; return what makes each series another one."""
    # Ours have no times of creation. Without them, prometheus-client writes the same lines and no more.
    disable_created_metrics()
    spec = REQUEST_DURATION
    histogram = Histogram("page_seconds", spec.help, spec.labels, buckets=spec.buckets, registry=registry)
    children: list[Histogram] = []
    for labels, values in _series(lines):
        child = histogram.labels(*labels)
        for value in values:
            child.observe(value)
        children.append(child)

    def observe() -> None:
        for child in children:
            child.observe(_ANOTHER)

    return observe


def client_counters(registry: CollectorRegistry, lines: int) -> Change:
    """Put counters of one line each into *registry*, *lines* of them: a line shares nothing with the next."""
    disable_created_metrics()
    counter = Counter("page_total", "Things by number.", ["number"], registry=registry)
    children = [counter.labels(str(number)) for number in range(lines)]
    for number, child in enumerate(children):
        child.inc(number)

    def count() -> None:
        for child in children:
            child.inc()

    return count


def collected(registry: CollectorRegistry, lines: int) -> Change:
    """Put a collector into *registry*, which makes a family of so many *lines* for each page."""
    values = [0.0] * lines

    class Places(Collector):
        def collect(self) -> Iterator[Metric]:
            family = GaugeMetricFamily("place_value", "Values by place.", labels=["place"])
            for number, value in enumerate(values):
                family.add_metric([str(number)], value)
            yield family

    registry.register(Places())

    def move() -> None:
        values[:] = [value + 1 for value in values]

    return move


def own_cells(registry: CollectorRegistry, lines: int) -> Change:
    """Put the same histogram into *registry*, in our cells."""
    known = REQUEST_DURATION
    store = Store(series_limit=lines)
    family = store.histogram(
        MetricSpec(
            name="page_seconds",
            kind="histogram",
            unit="seconds",
            help=known.help,
            labels=known.labels,
            buckets=known.buckets,
        )
    )
    cells = []
    for labels, values in _series(lines):
        cell = family.cell(*labels)
        for value in values:
            cell.observe(value)
        cells.append(cell)
    registry.register(store)

    def observe() -> None:
        for cell in cells:
            cell.observe(_ANOTHER)

    return observe


def _series(lines: int) -> Iterator[tuple[tuple[str, str, str], list[float]]]:
    """Yield labels and observations of as many series as make *lines* lines."""
    times = Random(_SEED)  # noqa: S311 -- the same observations in every run
    for number in range(max(1, lines // LINES_EACH)):
        labels = (_METHODS[number % 4], f"/things/{number // 4}/parts/{{id}}", "200")
        yield labels, [times.expovariate(20) for _ in range(_OBSERVATIONS)]
