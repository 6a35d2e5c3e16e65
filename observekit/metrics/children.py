"""The children of a metric of prometheus-client as text, kept for as long as their values stand still.

Most series of a large page are what they were at the scrape before. Whoever writes a value puts another
object in its place, so that whether it stands still is seen without looking at it.
"""

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from operator import is_
from typing import Any, Final

from prometheus_client import Gauge
from prometheus_client import metrics as client

from observekit.metrics import reading
from observekit.metrics.text import Format, heading, labels, number

# Lines that are made between two looks at the clock: less than half a turn where all are new.
_LINES_TOGETHER: Final = 64
# Keys that are listed, or looked at, between two looks at the clock: a fifth of a turn.
_KEYS_TOGETHER: Final = 64
_KEYS_LISTED: Final = 8192
# Pages after which the text in a format that nobody has asked for meanwhile is forgotten.
_PATIENCE: Final = 8

_Labels = tuple[str, ...]
_Form = tuple[Format, bool]


class _Block:
    """Some children that stand together, and what was made of them.

    ``made`` is every object that the text depends on, as it was before the text was made, then the text, then
    its lines of times of creation. They are replaced in one step, so that no page of another thread has the
    text of other values; and in the same list, because a new one for each block of a large page is what the
    garbage collector would look through in the middle of a turn, which took it 3 ms.
    """

    __slots__ = ("children", "heads", "labelled", "made")

    def __init__(self, labelled: list[_Labels], children: list[Any], heads: list[str]) -> None:
        self.labelled = labelled
        self.children = children
        self.heads = heads
        self.made: list[Any] = []


class Children:
    """Writes the children of one metric; keeps their text, once for each format that is asked for."""

    __slots__ = ("_blocks", "_heads", "_pages")

    def __init__(self) -> None:
        self._blocks: dict[_Form, dict[int, _Block]] = {}
        self._pages: deque[_Form] = deque(maxlen=_PATIENCE)
        # Apart from the blocks, whose borders move when a child is removed.
        self._heads: dict[_Labels, tuple[str, ...]] = {}

    def text(self, metric: Any, form: Format) -> Iterator[str]:
        """Yield the lines of *metric*, which has no heading yet, a few at a time."""
        if not metric._is_parent():
            # Not kept: a block holds its children, and the metric itself must be free to go.
            *_, text, late_text = self._made(metric, form, [()], [metric]).made
            yield text
            yield from _late(metric, form, [late_text])
            return
        labelled: list[_Labels] = []
        yield from _listed(metric, labelled)
        kept = self._kept_of((form, client._use_created))
        late: list[str] = []
        for place, group in enumerate(_taken_out(labelled, _group_size(metric))):
            block = kept[place] = self._block(metric, form, group, kept.get(place))
            text, late_text = block.made[-2:]
            late.append(late_text)
            yield text
        yield from _late(metric, form, late)
        yield from self._forget_removed(metric, kept, len(late))

    def _kept_of(self, form: _Form) -> dict[int, _Block]:
        """Return what is kept in *form*, and forget what is kept in forms that nobody asks for any more."""
        self._pages.append(form)
        for other in self._blocks.keys() - set(self._pages):
            self._blocks.pop(other, None)
        return self._blocks.setdefault(form, {})

    def _block(self, metric: Any, form: Format, group: list[_Labels], known: _Block | None) -> _Block:
        # By identity: a child that was removed and made again has other labels, which are only equal.
        if known is None or len(known.labelled) != len(group) or not all(map(is_, known.labelled, group)):
            found = [(labels, metric._metrics.get(labels)) for labels in group]
            there = [(labels, child) for labels, child in found if child is not None]  # Or removed meanwhile.
            return self._made(metric, form, [one for one, _ in there], [child for _, child in there])
        read = reading.read(metric, known.children, form)
        if len(read) + 2 != len(known.made) or not all(map(is_, read, known.made)):
            known.made[:] = _written(metric, form, known, read)
        return known

    def _made(self, metric: Any, form: Format, labelled: list[_Labels], children: list[Any]) -> _Block:
        pairs = zip(labelled, children, strict=True)
        heads = list(chain.from_iterable(self._heads_of(metric, own, child) for own, child in pairs))
        block = _Block(labelled, children, heads)
        block.made[:] = _written(metric, form, block, reading.read(metric, children, form))
        return block

    def _heads_of(self, metric: Any, values: _Labels, child: Any) -> tuple[str, ...]:
        known = self._heads.get(values)
        if known is None or len(known) != reading.lines_each(metric):
            own = list(zip(metric._labelnames, values, strict=True))
            # A gauge may have a function that is not asked for what is known.
            lines = [("", {})] if type(metric) is Gauge else [one[:2] for one in child._child_samples()]
            known = self._heads[values] = tuple(
                f"\n{metric._name}{suffix}{labels([*own, *further.items()])} " for suffix, further in lines
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
    many = len(metric._metrics)
    labelled = iter(metric._metrics)
    try:
        while many > _KEYS_LISTED and (some := list(islice(labelled, _KEYS_LISTED))):
            listed.extend(some)
            yield ""
    except RuntimeError:  # Children came or went meanwhile.
        listed.clear()
    # As many may have gone as have come. Then the last ones that were listed are others now.
    if not listed or listed[-1] is not next(reversed(metric._metrics), None):
        # In one step, and without the metric's lock, which a signal handler that counts would wait for.
        listed[:] = list(metric._metrics)


def _taken_out(many: list[_Labels], size: int) -> Iterator[list[_Labels]]:
    """Yield *many* in groups and let go of each: of all at once takes a millisecond too."""
    many.reverse()
    while many:
        group = many[: -size - 1 : -1]
        del many[-size:]
        yield group


def _group_size(metric: Any) -> int:
    return max(1, _LINES_TOGETHER // reading.lines_each(metric))


def _written(metric: Any, form: Format, block: _Block, read: list[Any]) -> list[Any]:
    """Return what is made of *block* with what was *read*."""
    heads, late = block.heads, ""
    # Whoever adds a number of numpy's to a value makes it one of those, which repr() writes in another way.
    values = list(map(float, reading.values(metric, len(block.children), read)))
    # A call of number() for each of 10,000, nearly all of which are as repr() has them, takes a turn.
    texts = zip(values, map(repr, values), strict=True)
    ends = [text if "." in text[:7] else number(value) for value, text in texts]
    if form == "openmetrics":
        ends = reading.with_traces(metric, len(block.children), read, ends)
    elif client._use_created and type(metric) is not Gauge:
        each = reading.lines_each(metric)
        late = _lines(heads[each - 1 :: each], ends[each - 1 :: each])
        heads = heads.copy()
        del heads[each - 1 :: each], ends[each - 1 :: each]
    return [*read, _lines(heads, ends), late]


def _lines(heads: list[str], ends: list[str]) -> str:
    """Return a line of each head with its end; a head begins with the end of the line before it."""
    pieces = [""] * (2 * len(heads) + 1)
    pieces[0:-1:2] = heads
    pieces[1::2] = ends
    pieces[-1] = "\n"
    return "".join(pieces)[1:] if heads else ""


def _late(metric: Any, form: Format, late: list[str]) -> Iterator[str]:
    """Yield the times of creation, which are a family of their own in Prometheus text."""
    if any(late):
        yield heading(f"{metric._name}_created", "gauge", metric._documentation, "", form)
        yield from late
