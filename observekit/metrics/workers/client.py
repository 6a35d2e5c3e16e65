"""Metrics that users make with prometheus-client, shared with the other workers, series by series."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from time import monotonic
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, values

from observekit.metrics.workers import short
from observekit.metrics.workers.aside import ASIDE_SECONDS, EndingError, Helpers, LateError
from observekit.metrics.workers.bond import Bond, Expose, RecordOf, has_function, values_of
from observekit.metrics.workers.shapes import Labels, Merge, Shape
from observekit.metrics.workers.values import (
    NOWHERE,
    First,
    SharedValue,
    let_go,
    value_class,
)

Failed = Callable[[str, Exception], None]

# Who has less time than this to answer is not asked, so that nobody is called late who was not.
_LEAST_SECONDS: Final = 0.1
_MERGES: Final[Mapping[str, Merge]] = {
    "all": "worker",
    "liveall": "worker",
    "min": "min",
    "livemin": "live_min",
    "max": "max",
    "livemax": "live_max",
    "sum": "sum",
    "livesum": "live_sum",
    "mostrecent": "most_recent",
    "livemostrecent": "live_most_recent",
}


class ClientValues:
    """Shares the metrics of *registry* while it is installed; children of metrics are found as they come.

    *failed* is told the name of a metric that could not be read; functions of users are asked by *helpers*.
    """

    def __init__(self, registry: CollectorRegistry, failed: Failed, helpers: Helpers) -> None:
        self._registry = registry
        self._failed = failed
        self._helpers = helpers
        self._asked = 0
        self._join: Callable[[], None] = _nothing
        self._record: RecordOf | None = None
        self._bonds: dict[Any, dict[Labels, Bond]] = {}
        self._class = value_class(self._first_write, self._unbound)
        self._before: Any = None

    def install(self, record: RecordOf) -> None:
        """Share all there is with what *record* returns for it, and what is made from now on."""
        self._record = record
        if values.ValueClass is not self._class:
            self._before, values.ValueClass = values.ValueClass, self._class
        for bonds in list(self._bonds.values()):
            for bond in list(bonds.values()):
                if bond.record is not None or bond.wanted or has_function(bond.child):
                    bond.share(record)
        self.sweep()

    def undo(self) -> None:
        """Let all values be prometheus-client's own again."""
        if values.ValueClass is self._class:
            values.ValueClass = self._before
        for bonds in self._bonds.values():
            for bond in bonds.values():
                short.take_away(bond.child)
                for value in bond.values:
                    let_go(value)
        self._bonds.clear()
        self._record = None

    def reset(self, join: Callable[[], None]) -> None:
        """Be at zero in a forked child; the first write to a value calls *join* and shares its series."""
        self._join = join
        self._record = None
        for metric in filter(is_shareable, _registered(self._registry)):
            bonds = self._bonds.setdefault(metric, {})
            for labels, child in _children(metric):
                if labels not in bonds:  # The parent was not done with it; it is the parent's all the same.
                    bonds[labels] = Bond(shape_of(metric), labels, child, self._helpers)
        for bonds in self._bonds.values():
            for bond in bonds.values():
                bond.start_afresh(First(partial(self._woken, bond), self._unbound))

    def sweep(self) -> None:
        """Share series that have come, and withdraw those that have gone."""
        record = self._record
        if record is None:
            return
        # What there was is listed before what there is: what comes meanwhile is not taken for gone.
        before = list(self._bonds)
        metrics = [one for one in _registered(self._registry) if is_shareable(one)]
        for metric in metrics:
            self._sweep(metric, self._bonds.setdefault(metric, {}), record)
        there = set(map(id, metrics))
        for metric in [one for one in before if id(one) not in there]:
            for bond in self._bonds.pop(metric, {}).values():
                bond.withdraw()

    def publish(self, expose: Expose) -> None:
        """Write the exemplars, which are not written through."""
        for bonds in list(self._bonds.values()):
            for bond in list(bonds.values()):
                bond.publish(expose)

    def ask(self, until: float) -> None:
        """Write what functions of users return; what of it is not there by *until* stays as it was.

        Who was not asked for want of time goes first the next time.
        """
        found = [bond for bonds in list(self._bonds.values()) for bond in list(bonds.values())]
        bonds = [bond for bond in found if bond.record is not None and has_function(bond.child)]
        first = self._asked % len(bonds) if bonds else 0
        for bond in [*bonds[first:], *bonds[:first]]:
            left = until - monotonic()
            if left < _LEAST_SECONDS:
                return
            self._ask(bond, min(left, ASIDE_SECONDS))
            self._asked += 1

    def _ask(self, bond: Bond, seconds: float) -> None:
        try:
            bond.ask(seconds)
        except EndingError:
            return
        except Exception as error:  # noqa: BLE001 -- a function of the user's, as of set_function()
            if not isinstance(error, LateError):
                bond.lose()
            self._failed(type(bond.child).__name__, error)

    def _sweep(self, metric: Any, bonds: dict[Labels, Bond], record: RecordOf) -> None:
        before = dict(bonds)
        children = dict(_children(metric))
        for labels, child in children.items():
            known = bonds.get(labels)
            if known is None or known.child is not child:
                self._bind(metric, labels, child, record)
            elif known.wanted:
                known.share(record)
        for labels, bond in before.items():
            if labels not in children and bonds.get(labels) is bond:
                del bonds[labels]
                bond.withdraw()

    def _bind(self, metric: Any, labels: Labels, child: Any, record: RecordOf) -> None:
        shape = shape_of(metric)
        bond = Bond(shape, labels, child, self._helpers)
        if bond.is_shareable:
            bonds = self._bonds.setdefault(metric, {})
            before = bonds.get(labels)
            if before is not None and before.child is not child:
                before.withdraw()
            bonds[labels] = bond
            bond.share(record)

    def _first_write(self, value: SharedValue, name: str, labels: Labels) -> None:
        """Bind the series of a *value* that was made after the others."""
        self._join()
        # Of another registry; or not registered yet, then it is found later. Another thread that joins may
        # find it just now, so that this goes before the look at where records are.
        value._record = NOWHERE
        metric = _named(self._registry, name)
        child = _child(metric, labels) if metric is not None and is_shareable(metric) else None
        if child is None or self._record is None or value not in values_of(child):
            return
        self._bonds.setdefault(metric, {})
        self._bind(metric, labels, child, self._record)

    def _unbound(self, error: Exception) -> None:
        self._failed("workers", error)

    def _woken(self, bond: Bond) -> None:
        # Another thread may be at joining: it sees this before, or has said after where records are.
        bond.wanted = True
        self._join()
        if self._record is not None:
            bond.share(self._record)


def is_shareable(collector: Any) -> bool:
    """Whether *collector* is a metric whose values can be shared: one that shows them as its type does."""
    its_type: Any = type(collector)
    return _shows_its_values(its_type)


@cache
def _shows_its_values(its_type: type) -> bool:
    kinds = [kind for kind in (Counter, Gauge, Histogram, Summary) if issubclass(its_type, kind)]
    places = ("collect", "_child_samples", "_multi_samples", "_samples")
    return bool(kinds) and all(getattr(its_type, name) is getattr(kinds[0], name) for name in places)


def theirs() -> bool:
    """Whether the user has chosen prometheus-client's own multiprocess mode, or values of another kind."""
    kind: Any = values.ValueClass
    return kind is not values.MutexValue and not (isinstance(kind, type) and issubclass(kind, SharedValue))


def shape_of(metric: Any) -> Shape:
    """Return what *metric* is for several workers."""
    bounds = tuple(metric._upper_bounds[:-1]) if isinstance(metric, Histogram) else ()
    merge: Merge = _MERGES[metric._multiprocess_mode] if isinstance(metric, Gauge) else "sum"
    labels, unit = tuple(metric._labelnames), metric._unit
    return Shape(metric._name, metric._type, metric._documentation, unit, labels, bounds, merge)


def _children(metric: Any) -> list[tuple[Labels, Any]]:
    return list(metric._metrics.items()) if metric._is_parent() else [((), metric)]


def _child(metric: Any, labels: Labels) -> Any:
    """Return one of them, without a look at all others: this is done for each new series."""
    if metric._is_parent():
        return metric._metrics.get(labels)
    return None if labels else metric


def _registered(registry: CollectorRegistry) -> list[Any]:
    return list(getattr(registry, "_collector_to_names", ()))


def _named(registry: CollectorRegistry, name: str) -> Any:
    return getattr(registry, "_names_to_collectors", {}).get(name)


def _nothing() -> None:
    """Do nothing: whoever shares has joined already."""
