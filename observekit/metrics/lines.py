"""The lines of one metric family as blocks of text, one for each series; its labels are written once."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, Protocol

from observekit.metrics.text import Format, exemplar, heading, labels, number

# Counts below this are written as they are, all lines of a series in one formatting.
_PLAIN_BELOW: Final = 1_000_000
_SAMPLE_ENDING: Final = {"counter": "_total", "info": "_info"}

Labels = tuple[str, ...]


class Shown(Protocol):
    """An exemplar as it stands on the page; ``timestamp`` in Unix seconds."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What it points at, as the ids of a trace and a span."""
        ...

    @property
    def value(self) -> float:
        """What was observed."""
        ...

    @property
    def timestamp(self) -> float | None:
        """When that was."""
        ...


Exemplars = Sequence[Shown | None]


class Lines:
    """Writes the series of one family; *name* is the family's, without ``_total`` or ``_info``."""

    __slots__ = ("_bounds", "_heads", "_help", "_kind", "_labels", "_name", "_sample", "_templates", "_unit")

    def __init__(
        self,
        name: str,
        kind: str,
        told: str,
        unit: str = "",
        label_names: Labels = (),
        bounds: tuple[float, ...] = (),
    ) -> None:
        self._name = name
        self._kind = kind
        self._help = told
        self._unit = unit
        self._labels = label_names
        self._bounds = bounds
        self._sample = name + _SAMPLE_ENDING.get(kind, "")
        self._heads: dict[Labels, str] = {}
        self._templates: dict[Labels, tuple[str, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        """Return of how many series the text is kept."""
        return len(self._heads) + len(self._templates)

    def forget(self) -> None:
        """Keep no text any more; that of whoever is still there is made anew."""
        self._heads.clear()
        self._templates.clear()

    def introduction(self, form: Format) -> str:
        """Return the lines above the family."""
        return heading(self._name, self._kind, self._help, self._unit, form)

    def single(self, values: Labels, value: float, trace: Shown | None = None) -> str:
        """Return the line of a series that is one number."""
        head = self._heads.get(values)
        if head is None:
            head = self._heads[values] = f"{self._sample}{self._own(values)} "
        return f"{head}{number(value)}\n" if trace is None else f"{head}{number(value)}{_exemplar(trace)}\n"

    def histogram(
        self, values: Labels, counts: Sequence[float], total: float, traces: Exemplars | None = None
    ) -> str:
        """Return the lines of a histogram from its *counts*, which are not cumulative."""
        known = self._templates.get(values)
        if known is None:
            known = self._templates[values] = self._template(values)
        running = list(accumulate(counts))
        if traces is None and running[-1] < _PLAIN_BELOW:
            return known[0] % (*running, running[-1], number(total))
        return _line_by_line(known[1], running, total, traces or [None] * len(running))

    def summary(self, values: Labels, count: float, total: float) -> str:
        """Return the two lines of a summary."""
        own = self._heads.get(values)
        if own is None:
            own = self._heads[values] = self._own(values)
        return f"{self._name}_count{own} {number(count)}\n{self._name}_sum{own} {number(total)}\n"

    def _own(self, values: Labels, *more: tuple[str, str]) -> str:
        return labels([*zip(self._labels, values, strict=True), *more])

    def _template(self, values: Labels) -> tuple[str, tuple[str, ...]]:
        """Return a series as one template for plain counts, and the heads of its lines."""
        bounds = [*map(number, self._bounds), "+Inf"]
        plain = self._own(values)
        heads = [f"{self._name}_bucket{self._own(values, ('le', bound))} " for bound in bounds]
        heads += [f"{self._name}_count{plain} ", f"{self._name}_sum{plain} "]
        template = "".join(head.replace("%", "%%") + "%d.0\n" for head in heads[:-1])
        return template + heads[-1].replace("%", "%%") + "%s\n", tuple(heads)


def _line_by_line(heads: tuple[str, ...], running: Sequence[float], total: float, traces: Exemplars) -> str:
    lines = [
        f"{head}{number(float(count))}{'' if one is None else _exemplar(one)}\n"
        for head, count, one in zip(heads, running, traces, strict=False)
    ]
    return "".join([*lines, f"{heads[-2]}{number(float(running[-1]))}\n", f"{heads[-1]}{number(total)}\n"])


def _exemplar(one: Shown) -> str:
    return exemplar(one.labels, one.value, one.timestamp)
