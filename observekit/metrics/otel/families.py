"""What OpenTelemetry's SDK has collected, as families of prometheus-client."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.metrics.export import Gauge, Histogram, HistogramDataPoint, MetricsData, Sum
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from observekit.metrics.otel.names import Kind, family_name, labels
from observekit.metrics.workers.shapes import Merge
from observekit.semconv import OTEL_SCOPE_NAME

Key = tuple[tuple[str, str], ...]
LeftOut = Callable[[str, str], None]
Told = tuple[Metric, Merge]

_OVERFLOW: Final = {"otel_metric_overflow": "true"}
_SUFFIXES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "counter": ("", "_total"),
    "gauge": ("",),
    "histogram": ("", "_bucket", "_count", "_sum"),
}


class _Family:
    """The series of one name; ``merge`` says what becomes of them where several workers have them."""

    __slots__ = ("help", "kind", "merge", "series", "source")

    def __init__(self, metric: Any, kind: Kind) -> None:
        self.source = metric.name
        self.kind: Kind = kind
        self.help = metric.description or ""
        self.merge: Merge = "sum"
        if kind == "gauge":
            # A sum that may fall, as of things in use, is added up; two readings of one gauge are not.
            self.merge = "live_sum" if isinstance(metric.data, Sum) else "worker"
        self.series: dict[Key, Any] = {}

    def add(self, point: Any, scope: Mapping[str, str], limit: int) -> None:
        """Add a series; past *limit* of them, further ones are added up in one for each scope."""
        key = _key({**labels(point.attributes or {}, self.kind), **scope})
        if key not in self.series and len(self.series) >= limit:
            key = _key({**_OVERFLOW, **scope})
        known = self.series.get(key)
        self.series[key] = point if known is None or self.kind == "gauge" else _merged(known, point)


class _Number(NamedTuple):
    """Several points of a counter as one."""

    value: float
    exemplars: Sequence[Any]


class _Buckets:
    """Several points of a histogram as one; where their bounds differ, only what all of them know."""

    __slots__ = ("bucket_counts", "count", "exemplars", "explicit_bounds", "sum")

    def __init__(self, first: Any, second: Any) -> None:
        common = sorted({*first.explicit_bounds} & {*second.explicit_bounds})
        self.explicit_bounds = common
        self.bucket_counts = [
            one + other
            for one, other in zip(_rebucketed(first, common), _rebucketed(second, common), strict=True)
        ]
        self.count = first.count + second.count
        self.sum = first.sum + second.sum
        self.exemplars = [*first.exemplars, *second.exemplars]


class _Page:
    """Families by name, in the order in which they were met."""

    __slots__ = ("_limit", "_owners", "_taken", "families")

    def __init__(self, taken: Mapping[str, str], limit: int) -> None:
        self._taken = taken
        self._limit = limit
        self._owners: dict[str, str] = {}
        self.families: dict[str, _Family] = {}

    def put(self, metric: Any, scope: Mapping[str, str]) -> str | None:
        """Put *metric* on the page, or return the reason why it cannot be there."""
        kind = _kind(metric)
        if kind is None:
            return "exponential_histogram"
        name = family_name(metric.name, metric.unit or "", kind, share=isinstance(metric.data, Gauge))
        samples = [name + suffix for suffix in _SUFFIXES[kind]]
        family = self.families.get(name) or _Family(metric, kind)
        if taken := [self._taken[one] for one in samples if one in self._taken]:
            return taken[0]
        others = any(self._owners.get(one, name) != name for one in samples)
        if others or (family.source, family.kind) != (metric.name, kind):
            return "name_taken"
        self._owners.update(dict.fromkeys(samples, name))
        self.families[name] = family
        for point in metric.data.data_points:
            family.add(point, scope, self._limit)
        return None


def families(data: MetricsData, taken: Mapping[str, str], limit: int, left_out: LeftOut) -> Iterator[Told]:
    """Yield the families of *data*, each with what becomes of its series where several workers have them.

    Args:
        data: What a reader collected, cumulative.
        taken: Names that are others' on the page, and whose.
        limit: Series a family may have before further ones are added up.
        left_out: Told the name of each metric that is not among them, and the reason.
    """
    page = _Page(taken, limit)
    for scope, metric in _metrics(data):
        reason = page.put(metric, scope)
        if reason is not None:
            left_out(metric.name, reason)
    for name, family in page.families.items():
        yield _written(name, family), family.merge


def _metrics(data: MetricsData) -> Iterator[tuple[dict[str, str], Any]]:
    for resource in data.resource_metrics:
        for scoped in resource.scope_metrics:
            scope = {
                OTEL_SCOPE_NAME: scoped.scope.name or "",
                "otel_scope_version": scoped.scope.version or "",
            }
            for metric in scoped.metrics:
                yield {name: value for name, value in scope.items() if value}, metric


def _kind(metric: Any) -> Kind | None:
    if isinstance(metric.data, Sum):
        return "counter" if metric.data.is_monotonic else "gauge"
    if isinstance(metric.data, Gauge):
        return "gauge"
    return "histogram" if isinstance(metric.data, Histogram) else None


def _key(pairs: Mapping[str, str]) -> Key:
    return tuple(sorted(pairs.items()))


def _merged(first: Any, second: Any) -> Any:
    if hasattr(first, "bucket_counts"):
        return _Buckets(first, second)
    return _Number(first.value + second.value, [*first.exemplars, *second.exemplars])


def _rebucketed(point: Any, bounds: Sequence[float]) -> list[int]:
    counts = [0] * (len(bounds) + 1)
    for place, count in enumerate(point.bucket_counts):
        last = place == len(point.explicit_bounds)
        counts[-1 if last else bisect_left(bounds, point.explicit_bounds[place])] += count
    return counts


def _written(name: str, family: _Family) -> Metric:
    metric = Metric(name, family.help, family.kind)
    for key, point in family.series.items():
        if family.kind == "histogram":
            metric.samples.extend(_histogram(name, dict(key), point))
        else:
            suffix = "_total" if family.kind == "counter" else ""
            traces = [_exemplar(one) for one in point.exemplars if one.trace_id] if suffix else []
            sample = Sample(name + suffix, dict(key), point.value, None, traces[-1] if traces else None)
            metric.samples.append(sample)
    return metric


def _histogram(name: str, pairs: dict[str, str], point: HistogramDataPoint | _Buckets) -> Iterator[Sample]:
    traces = {
        bisect_left(point.explicit_bounds, one.value): _exemplar(one)
        for one in point.exemplars
        if one.trace_id
    }
    bounds = [*map(floatToGoString, point.explicit_bounds), "+Inf"]
    running = 0
    for place, (bound, count) in enumerate(zip(bounds, point.bucket_counts, strict=True)):
        running += count
        yield Sample(f"{name}_bucket", {**pairs, "le": bound}, running, None, traces.get(place))
    yield Sample(f"{name}_count", pairs, running)
    yield Sample(f"{name}_sum", pairs, point.sum)


def _exemplar(one: Any) -> Exemplar:
    ids = {"trace_id": f"{one.trace_id:032x}", "span_id": f"{one.span_id or 0:016x}"}
    return Exemplar(ids, float(one.value), one.time_unix_nano / 1e9)
