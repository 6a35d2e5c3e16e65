"""The shapes of catalogue entries; an entry that breaks a rule cannot be made."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypeVar

from observekit.errors import CatalogueError
from observekit.semconv import WORKER

MetricKind = Literal["counter", "gauge", "histogram", "info", "stateset"]
Origin = Literal["observekit", "prometheus_client"]
Across = Literal["sum", "max", "worker", "one"]

_SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_DOTTED: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_ENDING: Final = {"counter": "_total", "info": "_info"}
# Prometheus adds these to the name of a histogram; a family of such a name would collide with one.
_RESERVED_ENDINGS: Final = ("_bucket", "_count", "_created", "_sum")
_RESERVED_LABELS: Final = frozenset({"le", "quantile", "job", "instance"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric family.

    ``unit`` is a base unit in the plural, like ``seconds``, or empty for plain numbers.
    ``values`` lists the closed set of a label's values where it is known beforehand.
    ``origin`` says whose code makes the samples: ours, or prometheus-client's own collectors.
    ``across`` says what a service of several worker processes shows: the ``sum``, for a gauge over the
    workers that live, else over all that ever lived; the ``max`` over the workers that live; a series for
    each living ``worker``, with its number as a label; or what the ``one`` says that answers, because it is
    no worker's own or the same for all.
    """

    name: str
    kind: MetricKind
    help: str
    unit: str = ""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    origin: Origin = "observekit"
    across: Across = "sum"

    def __post_init__(self) -> None:
        _refuse(f"metric {self.name!r}", _metric_problems(self))
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSpec:
    """One log event: its name as in the ``event`` key, its level, and the fields it always carries."""

    name: str
    level: Literal["debug", "info", "warning", "error", "by outcome"]
    help: str
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _refuse(f"event {self.name!r}", _event_problems(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSpec:
    """One kind of span: its name as a template over attributes, its kind, and its attributes."""

    name: str
    kind: Literal["SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER"]
    help: str
    attributes: tuple[str, ...]

    def __post_init__(self) -> None:
        _refuse(f"span {self.name!r}", _span_problems(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """One health endpoint: what it asks, and where it answers unless configured otherwise."""

    name: Literal["liveness", "readiness", "startup"]
    path: str
    help: str
    fails_when: str

    def __post_init__(self) -> None:
        _refuse(f"probe {self.name!r}", _probe_problems(self))


class Named(Protocol):
    """Anything with a name, as every spec has one."""

    @property
    def name(self) -> str:
        """What the entry is called."""
        ...


S = TypeVar("S", bound=Named)


def catalogue(entries: Iterable[S]) -> dict[str, S]:
    """Index *entries* by name.

    Raises:
        CatalogueError: If a name stands twice.
    """
    index: dict[str, S] = {}
    for entry in entries:
        if entry.name in index:
            raise CatalogueError(f"{entry.name!r} stands in the catalogue twice; each name has one entry.")
        index[entry.name] = entry
    return index


def _refuse(what: str, problems: Iterator[str]) -> None:
    if told := "; ".join(problems):
        raise CatalogueError(f"{what}: {told}")


def _metric_problems(spec: MetricSpec) -> Iterator[str]:
    if not _SNAKE_CASE.fullmatch(spec.name):
        yield "name must be snake_case"
    yield from _ending_problems(spec)
    ending = _ENDING.get(spec.kind, "")
    if spec.unit and not spec.name.removesuffix(ending).endswith(f"_{spec.unit}"):
        yield f"name must end in its unit, _{spec.unit}"
    yield from _help_problems(spec.help)
    yield from _bucket_problems(spec)
    yield from _label_problems(spec)
    yield from _across_problems(spec)


def _ending_problems(spec: MetricSpec) -> Iterator[str]:
    for kind, ending in _ENDING.items():
        if kind == spec.kind and not spec.name.endswith(ending):
            yield f"the name of a metric of kind {kind} must end in {ending}"
        if kind != spec.kind and spec.name.endswith(ending):
            yield f"the name ends in {ending}, which belongs to metrics of kind {kind}"
    for ending in _RESERVED_ENDINGS:
        if spec.name.endswith(ending):
            yield f"the name ends in {ending}, which Prometheus appends to names of histograms"


def _help_problems(text: str) -> Iterator[str]:
    if not text.endswith((".", "?")):
        yield "help must be a sentence that ends in a full stop or a question mark"


def _bucket_problems(spec: MetricSpec) -> Iterator[str]:
    if (spec.kind == "histogram") != bool(spec.buckets):
        yield "buckets belong to histograms, and a histogram needs them"
    if any(low >= high for low, high in zip(spec.buckets, spec.buckets[1:], strict=False)):
        yield "buckets must rise strictly"
    if not all(isfinite(bound) for bound in spec.buckets):
        yield "buckets must be finite; the last one, +Inf, is added by Prometheus' clients"


def _label_problems(spec: MetricSpec) -> Iterator[str]:
    for name in spec.labels:
        if not _SNAKE_CASE.fullmatch(name):
            yield f"label {name!r} must be snake_case"
        if name in _RESERVED_LABELS:
            yield f"label {name!r} is reserved by Prometheus"
    if len(set(spec.labels)) != len(spec.labels):
        yield "labels must differ"
    yield from _value_problems(spec)


def _across_problems(spec: MetricSpec) -> Iterator[str]:
    if spec.across == "sum" and spec.kind in {"info", "stateset"}:
        yield f"a metric of kind {spec.kind} is no number to add up over workers; say across worker or one"
    if spec.across == "max" and spec.kind != "gauge":
        yield f"the highest {spec.kind} of all workers means nothing; across max is for gauges"
    if WORKER in spec.labels:
        yield f"label {WORKER!r} is for metrics that are kept across workers"


def _value_problems(spec: MetricSpec) -> Iterator[str]:
    for name in sorted(spec.values.keys() - set(spec.labels)):
        yield f"values are given for {name!r}, which is not a label"
    for name, values in spec.values.items():
        if not values or len(set(values)) != len(values):
            yield f"values of {name!r} must differ and not be empty"
    if spec.kind == "stateset" and not spec.values:
        yield "a stateset needs the values of its label"


def _event_problems(spec: EventSpec) -> Iterator[str]:
    if not _DOTTED.fullmatch(spec.name):
        yield "name must be dotted snake_case, like http.request"
    yield from _help_problems(spec.help)
    if len(set(spec.fields)) != len(spec.fields):
        yield "fields must differ"


def _span_problems(spec: SpanSpec) -> Iterator[str]:
    for name in re.findall(r"{(.*?)}", spec.name):
        if name not in spec.attributes:
            yield f"the name uses {name!r}, which is not among the attributes"
    for name in spec.attributes:
        if not _DOTTED.fullmatch(name):
            yield f"attribute {name!r} must be dotted snake_case"
    yield from _help_problems(spec.help)


def _probe_problems(spec: ProbeSpec) -> Iterator[str]:
    if not spec.path.startswith("/"):
        yield "path must begin with '/'"
    yield from _help_problems(spec.help)
