"""prometheus-client's metrics and any collector's families as the same blocks of text.

Its own renderer builds every label of every line anew. Here the text of a line is made once for each child
of a metric, and its values are read where prometheus-client keeps them. Those places are private: where one
is not as expected, the family is written from what ``collect()`` returns, which is slower and always right.
"""

from collections.abc import Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

from prometheus_client import Counter, Gauge, Histogram, Summary
from prometheus_client import values as client_values
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from observekit.metrics.children import Children
from observekit.metrics.reading import shown
from observekit.metrics.text import Format, heading, labels, number

_KNOWN: Final = frozenset({Counter, Gauge, Histogram, Summary})
_LATE_SUFFIXES: Final = ("_created", "_gcount", "_gsum")


class ClientMetrics:
    """Writes metrics of prometheus-client; keeps the text of their lines."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        # By metric: one that is gone takes the text of its lines along.
        self._kept: WeakKeyDictionary[Any, Children] = WeakKeyDictionary()

    def blocks(self, metric: Any, form: Format) -> Iterator[str]:
        """Yield the text of *metric*, a few lines in each block."""
        yield heading(metric._name, metric._type, metric._documentation, metric._unit, form)
        children = self._kept.get(metric)
        if children is None:
            children = self._kept[metric] = Children()
        yield from children.text(metric, form)


def is_known(collector: object) -> bool:
    """Whether *collector* is a metric whose values are where they are expected; no subclass of one.

    Those of the client library's own mode for several processes are asked for, not read: they look first
    whether their process is still the same.
    """
    return type(collector) in _KNOWN and not client_values.ValueClass._multiprocess


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
    trace = shown(sample.exemplar) if form == "openmetrics" else ""
    return f"{sample.name}{labels(sample.labels.items())} {number(float(sample.value))}{when}{trace}\n"
