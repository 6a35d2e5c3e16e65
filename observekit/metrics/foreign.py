"""prometheus-client's metrics and any collector's families as the same blocks of text.

Its own renderer builds every label of every line anew. Here the text of a line is made once for each child
of a metric, and its values are read where prometheus-client keeps them. Those places are private: where one
is not as expected, the family is written from what ``collect()`` returns, which is slower and always right.
"""

from collections.abc import Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

from prometheus_client import Counter, Gauge, Histogram, Summary
from prometheus_client import metrics as client
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from observekit.metrics.text import Format, exemplar, heading, labels, number

_KNOWN: Final = frozenset({Counter, Gauge, Histogram, Summary})
_LATE_SUFFIXES: Final = ("_created", "_gcount", "_gsum")


class ClientMetrics:
    """Writes metrics of prometheus-client; keeps the text of their lines."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        # By child: a child that is removed takes its text along.
        self._heads: WeakKeyDictionary[Any, tuple[str, ...]] = WeakKeyDictionary()

    def blocks(self, metric: Any, form: Format) -> Iterator[str]:
        """Yield the text of *metric*, a block for each child."""
        yield heading(metric._name, metric._type, metric._documentation, metric._unit, form)
        late: list[str] = []
        for values, child in _children(metric):
            lines = self._lines(metric, values, child, form)
            if form == "text" and client._use_created and metric._type != "gauge":
                late.append(lines.pop())
            yield "".join(lines)
        if late:
            name = f"{metric._name}_created"
            yield heading(name, "gauge", metric._documentation, "", form)
            yield from late

    def _lines(self, metric: Any, values: tuple[str, ...], child: Any, form: Format) -> list[str]:
        heads = self._heads.get(child)
        read = _histogram_values(child) if type(metric) is Histogram else _values(child)
        if heads is None or len(heads) != len(read):
            heads = self._heads[child] = _heads(metric, values, child)
        if form == "text":
            return [f"{head}{number(value)}\n" for head, (value, _) in zip(heads, read, strict=True)]
        return [
            f"{head}{number(value)}{_shown(trace)}\n"
            for head, (value, trace) in zip(heads, read, strict=True)
        ]


def is_known(collector: object) -> bool:
    """Whether *collector* is a metric whose values are where they are expected; no subclass of one."""
    return type(collector) in _KNOWN


def _children(metric: Any) -> list[tuple[tuple[str, ...], Any]]:
    if not metric._is_parent():
        return [((), metric)]
    with metric._lock:
        return list(metric._metrics.items())


def _heads(metric: Any, values: tuple[str, ...], child: Any) -> tuple[str, ...]:
    own = list(zip(metric._labelnames, values, strict=True))
    return tuple(
        f"{metric._name}{sample.name}{labels([*own, *sample.labels.items()])} "
        for sample in child._child_samples()
    )


def _values(child: Any) -> list[tuple[float, Any]]:
    return [(sample.value, sample.exemplar) for sample in child._child_samples()]


def _histogram_values(child: Any) -> list[tuple[float, Any]]:
    read: list[tuple[float, Any]] = []
    running = 0.0
    for bucket in child._buckets:
        running += bucket.get()
        read.append((running, bucket.get_exemplar()))
    read.append((running, None))
    if child._upper_bounds[0] >= 0:
        read.append((child._sum.get(), None))
    if client._use_created:
        read.append((child._created, None))
    return read


def _shown(trace: Any) -> str:
    return "" if trace is None else exemplar(trace.labels, trace.value, trace.timestamp)


def family_blocks(metric: Metric, form: Format) -> Iterator[str]:
    """Yield the text of a family that a collector returned."""
    yield heading(metric.name, metric.type, metric.documentation, metric.unit, form)
    late: dict[str, list[str]] = {}
    for sample in metric.samples:
        suffix = sample.name.removeprefix(metric.name)
        line = _line(sample, form)
        if form == "text" and suffix in _LATE_SUFFIXES and sample.name.startswith(metric.name):
            late.setdefault(suffix, []).append(line)
        else:
            yield line
    for suffix, lines in sorted(late.items()):
        yield heading(f"{metric.name}{suffix}", "gauge", metric.documentation, "", form)
        yield from lines


def _line(sample: Sample, form: Format) -> str:
    when = ""
    if sample.timestamp is not None:
        when = f" {sample.timestamp}" if form == "openmetrics" else f" {int(float(sample.timestamp) * 1000)}"
    trace = _shown(sample.exemplar) if form == "openmetrics" else ""
    return f"{sample.name}{labels(sample.labels.items())} {number(float(sample.value))}{when}{trace}\n"
