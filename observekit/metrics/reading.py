"""Numbers and exemplars of prometheus-client's metrics, read where it keeps them, in order of the lines."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import accumulate, islice
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram, Summary
from prometheus_client import metrics as client

from observekit.metrics.text import Format, exemplar

Numbers = list[float]

# Children that are looked at in a quarter of a turn.
_TOGETHER: Final = 2048


def lines_each(metric: Any) -> int:
    """Return how many lines a child of *metric* has."""
    created = client._use_created
    if type(metric) is Histogram:
        bounds = metric._upper_bounds
        return len(bounds) + 1 + (bounds[0] >= 0) + created
    if type(metric) is Summary:
        return 2 + created
    return 1 + created if type(metric) is Counter else 1


def read(metric: Any, children: list[Any], form: Format) -> list[Any]:
    """Return every object that the text of *children* depends on, numbers first."""
    read: list[Any] = _NUMBERS[type(metric)](children)
    if client._use_created and type(metric) is not Gauge:
        read += [child._created for child in children]
    if form == "openmetrics":
        read += _traces(metric, children)
    return read


def _counts(children: list[Any]) -> Numbers:
    return [child._value._value for child in children]


def _levels(children: list[Any]) -> Numbers:
    # Gauge.set_function() puts a function of its own there.
    return [
        child._child_samples()[0].value if "_child_samples" in child.__dict__ else child._value._value
        for child in children
    ]


def _counts_and_sums(children: list[Any]) -> Numbers:
    return [value._value for child in children for value in (child._count, child._sum)]


def _buckets_and_sums(children: list[Any]) -> Numbers:
    return [value._value for child in children for value in (*child._buckets, child._sum)]


_NUMBERS: Final[dict[type, Callable[[list[Any]], Numbers]]] = {
    Counter: _counts,
    Gauge: _levels,
    Summary: _counts_and_sums,
    Histogram: _buckets_and_sums,
}


def _traces(metric: Any, children: list[Any]) -> list[Any]:
    if type(metric) is Counter:
        return [child._value._exemplar for child in children]
    if type(metric) is Histogram:
        return [bucket._exemplar for child in children for bucket in child._buckets]
    return []


def values(metric: Any, many: int, read: list[Any]) -> Numbers:
    """Return the value of each line of so *many* children, from what was read."""
    created = client._use_created and type(metric) is not Gauge
    each, numbers = lines_each(metric) - created, read
    if type(metric) is Histogram:
        bounds = len(metric._upper_bounds)
        numbers = _accumulated(read[: many * (bounds + 1)], bounds, sums=each > bounds + 1)
    own = numbers[: many * each]
    if not created:
        return own
    times = read[_numbers_each(metric) * many :][:many]
    ends = range(each, many * each + 1, each)
    return [value for end, time in zip(ends, times, strict=True) for value in (*own[end - each : end], time)]


def _numbers_each(metric: Any) -> int:
    if type(metric) is Histogram:
        return len(metric._upper_bounds) + 1
    return 2 if type(metric) is Summary else 1


def _accumulated(read: Numbers, bounds: int, *, sums: bool) -> Numbers:
    """Return the lines of histograms: buckets that hold those below them too, the count and the sum."""
    values: Numbers = []
    for start in range(0, len(read), bounds + 1):
        running = list(accumulate(read[start : start + bounds]))
        values += running
        values.append(running[-1])
        if sums:
            values.append(read[start + bounds])
    return values


def with_traces(metric: Any, many: int, read: list[Any], ends: list[str]) -> list[str]:
    """Return the *ends* of lines with the exemplars of those that have one."""
    each, traced = lines_each(metric), 0
    if type(metric) is Counter:
        traced = 1
    elif type(metric) is Histogram:
        traced = len(metric._upper_bounds)
    traces: list[Any] = read[len(read) - many * traced :]
    for place, trace in enumerate(traces if any(traces) else ()):
        ends[place // traced * each + place % traced] += shown(trace)
    return ends


def shown(trace: Any) -> str:
    """Return an exemplar as it follows the value of a line; nothing where there is none."""
    return "" if trace is None else exemplar(trace.labels, trace.value, trace.timestamp)


def have_functions(gauge: Any) -> Iterator[bool]:
    """Yield, for some children of *gauge* at a time, whether one shows what a function of a user returns."""
    children = iter(gauge._metrics.values() if gauge._is_parent() else (gauge,))
    with suppress(RuntimeError):  # Children came or went meanwhile.
        while some := list(islice(children, _TOGETHER)):
            yield any(map(_has_function, some))


def _has_function(child: Any) -> bool:
    return "_child_samples" in vars(child)  # Gauge.set_function() puts it there.
