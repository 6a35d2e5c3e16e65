"""The children of a metric of prometheus-client as text, kept for as long as their values stand still.

Most series of a large page are what they were at the scrape before. Whoever writes a value puts another
object in its place, so that whether it stands still is seen without looking at it.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate, chain, islice
from operator import is_
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram, Summary
from prometheus_client import metrics as client

from observekit.metrics.text import Format, exemplar, heading, labels, number

# Lines that are made between two looks at the clock: less than half a turn where all are new.
_LINES_TOGETHER: Final = 64
# Keys that are listed, or looked at, between two looks at the clock.
_KEYS_TOGETHER: Final = 64
_KEYS_LISTED: Final = 4096

_Labels = tuple[str, ...]
_Numbers = list[float]


class _Block:
    """Some children that stand together, and what was made of them.

    ``read`` is every object that ``text`` and ``late`` depend on, as it was before they were made.
    """

    __slots__ = ("children", "heads", "labelled", "late", "read", "text")

    def __init__(self, labelled: list[_Labels], children: list[Any], heads: list[str]) -> None:
        self.labelled = labelled
        self.children = children
        self.heads = heads
        self.read: list[Any] = []
        self.text = self.late = ""


class Children:
    """Writes the children of one metric; keeps their text, once for each format that is asked for."""

    __slots__ = ("_blocks", "_heads")

    def __init__(self) -> None:
        self._blocks: dict[tuple[Format, bool], dict[int, _Block]] = {}
        # Apart from the blocks, whose borders move when a child is removed.
        self._heads: dict[_Labels, tuple[str, ...]] = {}

    def text(self, metric: Any, form: Format) -> Iterator[str]:
        """Yield the lines of *metric*, which has no heading yet, a few at a time."""
        if not metric._is_parent():
            # Not kept: a block holds its children, and the metric itself must be free to go.
            block = self._made(metric, form, [()], [metric])
            yield block.text
            yield from _late(metric, form, [block.late])
            return
        labelled: list[_Labels] = []
        yield from _listed(metric, labelled)
        kept = self._blocks.setdefault((form, client._use_created), {})
        late: list[str] = []
        for place, group in enumerate(_taken_out(labelled, _group_size(metric))):
            block = kept[place] = self._block(metric, form, group, kept.get(place))
            late.append(block.late)
            yield block.text
        yield from _late(metric, form, late)
        yield from self._forget_removed(metric, kept, len(late))

    def _block(self, metric: Any, form: Format, group: list[_Labels], known: _Block | None) -> _Block:
        # By identity: a child that was removed and made again has other labels, which are only equal.
        if known is None or len(known.labelled) != len(group) or not all(map(is_, known.labelled, group)):
            found = [(labels, metric._metrics.get(labels)) for labels in group]
            there = [(labels, child) for labels, child in found if child is not None]  # Or removed meanwhile.
            return self._made(metric, form, [one for one, _ in there], [child for _, child in there])
        read = _read(metric, known.children, form)
        if len(read) != len(known.read) or not all(map(is_, read, known.read)):
            _write(metric, form, known, read)
        return known

    def _made(self, metric: Any, form: Format, labelled: list[_Labels], children: list[Any]) -> _Block:
        pairs = zip(labelled, children, strict=True)
        heads = list(chain.from_iterable(self._heads_of(metric, own, child) for own, child in pairs))
        block = _Block(labelled, children, heads)
        _write(metric, form, block, _read(metric, children, form))
        return block

    def _heads_of(self, metric: Any, values: _Labels, child: Any) -> tuple[str, ...]:
        known = self._heads.get(values)
        if known is None or len(known) != _lines_each(metric):
            own = list(zip(metric._labelnames, values, strict=True))
            known = self._heads[values] = tuple(
                f"\n{metric._name}{sample.name}{labels([*own, *sample.labels.items()])} "
                for sample in child._child_samples()
            )
        return known

    def _forget_removed(self, metric: Any, kept: dict[int, _Block], blocks: int) -> Iterator[str]:
        """Forget the text of children that were removed; yield nothing, often, because they may be many."""
        for place in range(blocks, len(kept)):
            kept.pop(place, None)
            yield ""
        if len(self._heads) <= len(metric._metrics):
            return
        for group in _taken_out(list(self._heads), _KEYS_TOGETHER):
            for values in group:
                if values not in metric._metrics:
                    self._heads.pop(values, None)
            yield ""


def _listed(metric: Any, listed: list[_Labels]) -> Iterator[str]:
    """Add the labels of each child of *metric* to *listed*; yield nothing, often.

    A pair for each of 100,000 children takes 80 ms, and their labels alone still a millisecond.
    """
    labelled = iter(metric._metrics)
    try:
        while some := list(islice(labelled, _KEYS_LISTED)):
            listed.extend(some)
            yield ""
    except RuntimeError:  # Children came or went meanwhile.
        with metric._lock:
            listed[:] = metric._metrics


def _taken_out(many: list[_Labels], size: int) -> Iterator[list[_Labels]]:
    """Yield *many* in groups and let go of each: of all at once takes a millisecond too."""
    many.reverse()
    while many:
        group = many[: -size - 1 : -1]
        del many[-size:]
        yield group


def _lines_each(metric: Any) -> int:
    """Return how many lines a child of *metric* has."""
    created = client._use_created
    if type(metric) is Histogram:
        bounds = metric._upper_bounds
        return len(bounds) + 1 + (bounds[0] >= 0) + created
    if type(metric) is Summary:
        return 2 + created
    return 1 + created if type(metric) is Counter else 1


def _group_size(metric: Any) -> int:
    return max(1, _LINES_TOGETHER // _lines_each(metric))


def _read(metric: Any, children: list[Any], form: Format) -> list[Any]:
    """Return every object that the text of *children* depends on, numbers first."""
    read: list[Any] = _NUMBERS[type(metric)](children)
    if client._use_created and type(metric) is not Gauge:
        read += [child._created for child in children]
    if form == "openmetrics":
        read += _traces(metric, children)
    return read


def _counts(children: list[Any]) -> _Numbers:
    return [child._value._value for child in children]


def _levels(children: list[Any]) -> _Numbers:
    # Gauge.set_function() puts a function of its own there.
    return [
        child._child_samples()[0].value if "_child_samples" in child.__dict__ else child._value._value
        for child in children
    ]


def _counts_and_sums(children: list[Any]) -> _Numbers:
    return [value._value for child in children for value in (child._count, child._sum)]


def _buckets_and_sums(children: list[Any]) -> _Numbers:
    return [value._value for child in children for value in (*child._buckets, child._sum)]


_NUMBERS: Final[dict[type, Callable[[list[Any]], _Numbers]]] = {
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


def _write(metric: Any, form: Format, block: _Block, read: list[Any]) -> None:
    """Put the text of what was *read* into *block*."""
    block.read = read
    heads, values = block.heads, _values(metric, block)
    # A call of number() for each of 10,000, nearly all of which are as repr() has them, takes a turn.
    texts = zip(values, map(repr, values), strict=True)
    ends = [text if "." in text[:7] else number(value) for value, text in texts]
    if form == "openmetrics":
        ends = _with_traces(metric, block, ends)
    elif client._use_created and type(metric) is not Gauge:
        each = _lines_each(metric)
        block.late = _lines(heads[each - 1 :: each], ends[each - 1 :: each])
        heads = heads.copy()
        del heads[each - 1 :: each], ends[each - 1 :: each]
    block.text = _lines(heads, ends)


def _lines(heads: list[str], ends: list[str]) -> str:
    """Return a line of each head with its end; a head begins with the end of the line before it."""
    pieces = [""] * (2 * len(heads) + 1)
    pieces[0:-1:2] = heads
    pieces[1::2] = ends
    pieces[-1] = "\n"
    return "".join(pieces)[1:] if heads else ""


def _values(metric: Any, block: _Block) -> _Numbers:
    """Return the value of each line, from what was read."""
    many, created = len(block.children), client._use_created and type(metric) is not Gauge
    numbers: list[Any] = block.read
    each = _lines_each(metric) - created
    if type(metric) is Histogram:
        bounds = len(metric._upper_bounds)
        numbers = _accumulated(numbers[: many * (bounds + 1)], bounds, sums=each > bounds + 1)
    own = numbers[: many * each]
    if not created:
        return own
    times = block.read[_numbers_each(metric) * many :][:many]
    ends = range(each, many * each + 1, each)
    return [value for end, time in zip(ends, times, strict=True) for value in (*own[end - each : end], time)]


def _numbers_each(metric: Any) -> int:
    if type(metric) is Histogram:
        return len(metric._upper_bounds) + 1
    return 2 if type(metric) is Summary else 1


def _accumulated(read: _Numbers, bounds: int, *, sums: bool) -> _Numbers:
    """Return the lines of histograms: buckets that hold those below them too, the count and the sum."""
    values: _Numbers = []
    for start in range(0, len(read), bounds + 1):
        running = list(accumulate(read[start : start + bounds]))
        values += running
        values.append(running[-1])
        if sums:
            values.append(read[start + bounds])
    return values


def _with_traces(metric: Any, block: _Block, ends: list[str]) -> list[str]:
    """Return the *ends* of lines with the exemplars of those that have one."""
    each, traced = _lines_each(metric), 0
    if type(metric) is Counter:
        traced = 1
    elif type(metric) is Histogram:
        traced = len(metric._upper_bounds)
    traces: list[Any] = block.read[len(block.read) - len(block.children) * traced :]
    for place, trace in enumerate(traces if any(traces) else ()):
        ends[place // traced * each + place % traced] += shown(trace)
    return ends


def shown(trace: Any) -> str:
    """Return an exemplar as it follows the value of a line; nothing where there is none."""
    return "" if trace is None else exemplar(trace.labels, trace.value, trace.timestamp)


def _late(metric: Any, form: Format, late: list[str]) -> Iterator[str]:
    """Yield the times of creation, which are a family of their own in Prometheus text."""
    if any(late):
        yield heading(f"{metric._name}_created", "gauge", metric._documentation, "", form)
        yield from late
