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
# Lines that are yielded together, and children that are looked at between two blocks: a fiftieth of a turn.
_TOGETHER: Final = 16
_LOOKED_AT: Final = 64
_LATE_SUFFIXES: Final = ("_created", "_gcount", "_gsum")

_Heads = dict[tuple[str, ...], tuple[str, ...]]
_Children = Iterator[tuple[tuple[str, ...], Any]]


class ClientMetrics:
    """Writes metrics of prometheus-client; keeps the text of their lines."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        # By metric: one that is gone takes the text of its lines along.
        self._kept: WeakKeyDictionary[Any, _Heads] = WeakKeyDictionary()

    def blocks(self, metric: Any, form: Format) -> Iterator[str]:
        """Yield the text of *metric*, a block for each child, or for some of them that have one line each."""
        yield heading(metric._name, metric._type, metric._documentation, metric._unit, form)
        heads = self._kept.setdefault(metric, {})
        if type(metric) is Gauge or (type(metric) is Counter and not client._use_created):
            yield from _single_lines(metric, heads, form)
        else:
            yield from _series(metric, heads, form)
        if metric._is_parent() and len(heads) > len(metric._metrics):
            yield from _forget_removed(metric, heads)


def _series(metric: Any, heads: _Heads, form: Format) -> Iterator[str]:
    late: list[str] = []
    for values, child in _children(metric):
        lines = _lines(metric, values, child, heads, form)
        if form == "text" and client._use_created and metric._type != "gauge":
            late.append(lines.pop())
        yield "".join(lines)
    if late:
        name = f"{metric._name}_created"
        yield heading(name, "gauge", metric._documentation, "", form)
        yield from late


def _forget_removed(metric: Any, heads: _Heads) -> Iterator[str]:
    """Forget the text of children that were removed; yield nothing, often, because they may be many."""
    for looked_at, values in enumerate(_taken_out(list(heads))):
        if values not in metric._metrics:
            heads.pop(values, None)
        if looked_at % _LOOKED_AT == 0:
            yield ""


def _single_lines(metric: Any, heads: _Heads, form: Format) -> Iterator[str]:
    """Yield the lines of a counter or a gauge, some in each block: a block costs as much as five lines."""
    lines: list[str] = []
    shows_traces = form == "openmetrics" and type(metric) is Counter
    for values, child in _children(metric):
        if "_child_samples" in child.__dict__:  # Gauge.set_function() puts a function of its own there.
            ((value, _),) = _values(child)
        else:
            value = child._value.get()
        head = (heads.get(values) or _kept_heads(metric, values, child, heads))[0]
        trace = _shown(child._value.get_exemplar()) if shows_traces else ""
        lines.append(f"{head}{number(value)}{trace}\n")
        if len(lines) >= _TOGETHER:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


def _lines(metric: Any, values: tuple[str, ...], child: Any, heads: _Heads, form: Format) -> list[str]:
    known = heads.get(values)
    read = _histogram_values(child, form) if type(metric) is Histogram else _values(child)
    if known is None or len(known) != len(read):
        known = _kept_heads(metric, values, child, heads)
    if form == "text":
        return [f"{head}{number(value)}\n" for head, (value, _) in zip(known, read, strict=True)]
    return [
        f"{head}{number(value)}{_shown(trace)}\n" for head, (value, trace) in zip(known, read, strict=True)
    ]


def is_known(collector: object) -> bool:
    """Whether *collector* is a metric whose values are where they are expected; no subclass of one."""
    return type(collector) in _KNOWN


def _children(metric: Any) -> _Children:
    if not metric._is_parent():
        yield (), metric
        return
    with metric._lock:
        # The labels alone: a pair for each of 100,000 children takes 80 ms, with the garbage collections it
        # sets off, while this holds the event loop and whoever counts waits for the lock.
        labelled = list(metric._metrics)
    for values in _taken_out(labelled):
        child = metric._metrics.get(values)
        if child is not None:  # Else it was removed meanwhile.
            yield values, child


def _taken_out(many: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield *many* in order and let go of each: of all at once takes a millisecond too."""
    many.reverse()
    while many:
        yield many.pop()


def _kept_heads(metric: Any, values: tuple[str, ...], child: Any, heads: _Heads) -> tuple[str, ...]:
    own = list(zip(metric._labelnames, values, strict=True))
    heads[values] = made = tuple(
        f"{metric._name}{sample.name}{labels([*own, *sample.labels.items()])} "
        for sample in child._child_samples()
    )
    return made


def _values(child: Any) -> list[tuple[float, Any]]:
    return [(sample.value, sample.exemplar) for sample in child._child_samples()]


def _histogram_values(child: Any, form: Format) -> list[tuple[float, Any]]:
    read: list[tuple[float, Any]] = []
    running = 0.0
    for bucket in child._buckets:
        running += bucket.get()
        # Each is read behind a lock; only OpenMetrics shows it.
        read.append((running, bucket.get_exemplar() if form == "openmetrics" else None))
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
