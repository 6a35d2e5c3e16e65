"""What queries may name: metrics with their labels, values and kind, from the catalogue or from a page."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from observekit.catalogue import METRICS, MetricSpec
from observekit.catalogue.libraries import LIBRARIES
from observekit.dashboards.series import PROMETHEUS_OWN, TARGET, spellings
from observekit.semconv import WORKER

_ADDED: Final = frozenset(
    {*TARGET, WORKER, "cluster", "namespace", "pod", "container", "service", "endpoint"}
)
"""Labels that Prometheus or its operator puts on what it scrapes."""

_TYPE: Final = re.compile(r"# TYPE (\S+) (\w+)")
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:{(.*)})? \S+.*")
_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_PARTS: Final = ("_bucket", "_count", "_sum")


@dataclass(slots=True)
class Known:
    """One name under which samples are stored; ``cumulative`` is ``None`` where nobody says what it is.

    ``values`` has the labels whose values are all known. Without ``labels`` any label may stand on it.
    """

    labels: set[str] | None = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)
    cumulative: bool | None = None


Vocabulary = Mapping[str, Known]


def of_catalogue() -> dict[str, Known]:
    """Return what observekit shows, and what Prometheus adds to it."""
    known = {name: found for spec in (*METRICS.values(), *LIBRARIES) for name, found in _of_spec(spec)}
    for spec in PROMETHEUS_OWN:
        known[spec.name] = Known(cumulative=False)
    known["ALERTS"] = known["ALERTS_FOR_STATE"] = Known(labels=None, cumulative=False)
    return known


def of_page(text: str) -> dict[str, Known]:
    """Return what a metrics page shows, in Prometheus' text format or OpenMetrics."""
    kinds = dict(_TYPE.findall(text))
    known: dict[str, Known] = {}
    for line in text.splitlines():
        found = _SAMPLE.fullmatch(line)
        if found is None or line.startswith("#"):
            continue
        name = found[1]
        entry = known.setdefault(name, Known(cumulative=_is_cumulative(name, kinds)))
        for label, value in _LABEL.findall((found[2] or "").partition(" # ")[0]):
            if entry.labels is not None:
                entry.labels.add(label)
            entry.values.setdefault(label, set()).add(value)
    return known


def merged(vocabularies: Iterable[Vocabulary]) -> dict[str, Known]:
    """Return all names; where one stands in several, all that any of them allows."""
    together: dict[str, Known] = {}
    for vocabulary in vocabularies:
        for name, new in vocabulary.items():
            old = together.get(name)
            together[name] = new if old is None else _both(old, new)
    return together


def may_stand_on(label: str, known: Known) -> bool:
    """Return whether a sample of that name may carry *label*."""
    return known.labels is None or label in known.labels or label in _ADDED


def _both(one: Known, other: Known) -> Known:
    labels = None if one.labels is None or other.labels is None else one.labels | other.labels
    shared = one.values.keys() & other.values.keys()
    # A set of values is all there is only where both say so.
    values = {label: one.values[label] | other.values[label] for label in shared}
    return Known(labels, values, one.cumulative if one.cumulative == other.cumulative else None)


def _of_spec(spec: MetricSpec) -> Iterator[tuple[str, Known]]:
    values = {label: set(allowed) for label, allowed in spec.values.items()}
    if spec.kind != "histogram":
        yield spec.name, Known(set(spec.labels), values, spec.kind == "counter")
        return
    bounds = {text for bound in spec.buckets for text in spellings(bound)} | {"+Inf"}
    yield f"{spec.name}_bucket", Known({*spec.labels, "le"}, {**values, "le": bounds}, cumulative=True)
    yield f"{spec.name}_count", Known(set(spec.labels), values, cumulative=True)
    yield f"{spec.name}_sum", Known(set(spec.labels), values, cumulative=True)


def _is_cumulative(name: str, kinds: Mapping[str, str]) -> bool | None:
    families = (name, name.removesuffix("_total"), *(name.removesuffix(part) for part in _PARTS))
    for family in families:
        kind = kinds.get(family)
        if kind in {"counter", "histogram"} or (kind == "summary" and family != name):
            return True
        if kind is not None and kind not in {"unknown", "untyped"}:
            return False
    return None
