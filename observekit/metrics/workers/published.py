"""What is read rather than counted, written for the other workers: again and again, by whoever tends."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import pairwise
from threading import RLock
from time import time
from typing import Any, Final, NamedTuple

from prometheus_client import Enum, GCCollector, Info, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar

from observekit.metrics.cells import Record
from observekit.metrics.family import cleaned
from observekit.metrics.store import Store
from observekit.metrics.workers.aside import ASIDE_SECONDS, Aside, EndingError, Helpers, LateError
from observekit.metrics.workers.page import CREATED
from observekit.metrics.workers.shapes import ABSENT, Labels, Merge, Shape, SharedExemplar, Values

RecordOf = Callable[[Shape, Labels], Record]
Expose = Callable[[Shape, Labels, int, SharedExemplar | None], None]
Failed = Callable[[str, Exception], None]

_ADDED: Final = frozenset({"sum", "live_sum"})
_KINDS: Final[Mapping[type, Merge]] = {
    ProcessCollector: "worker",
    GCCollector: "worker",
    Enum: "worker",
    Info: "live_max",  # Workers say the same, mostly; then it is there once.
}


class Told(NamedTuple):
    """One series as its source tells it; exemplars stand by bucket."""

    shape: Shape
    labels: Labels
    values: Values
    exemplars: tuple[SharedExemplar | None, ...] = ()


class Source(NamedTuple):
    """Somebody who tells series.

    Whoever runs code of the user's, or waits for a lock that he may hold, is not ``quick``. What is
    ``inherited`` a forked child has from its parent, so that it has to be told just before the fork.
    """

    tell: Callable[[], Iterable[Told]]
    quick: bool = True
    inherited: bool = False


class Published:
    """Keeps the records of what sources tell.

    *helpers* ask those that are not quick. *failed* is told the name of a source that raised; its series are
    gone until it does not. Those of one that is late are as before. A name may have a number behind it, where
    several are called alike.
    """

    def __init__(self, failed: Failed, helpers: Helpers) -> None:
        self._failed = failed
        self._helpers = helpers
        self._told: dict[str, dict[tuple[Shape, Labels], Values]] = {}
        self._inherited: dict[tuple[Shape, Labels], Values] = {}
        self._asides: dict[str, Aside[list[Told]]] = {}
        self._lock = RLock()

    def publish(
        self,
        name: str,
        source: Source,
        record_of: RecordOf,
        expose: Expose,
        seconds: float = ASIDE_SECONDS,
    ) -> None:
        """Write what *source* tells now; one that is not quick has so many *seconds*."""
        # Whoever waits for the user must not keep others from what is there at once.
        waited = () if source.quick else self._asked(name, source, seconds)
        with self._lock:
            told = self._asked(name, source, seconds) if source.quick else waited
            if told is None:
                return
            now = {(one.shape, one.labels): one.values for one in told}
            for key in self._told.get(name, {}).keys() - now.keys():
                record_of(*key)[0] = ABSENT
            self._told[name] = now
            for one in told:
                self._write(one, record_of, expose)

    def withdraw_others(self, sources: Iterable[str], record_of: RecordOf) -> None:
        """Have no series any more of sources that have gone."""
        with self._lock:
            for name in self._told.keys() - set(sources):
                self._asides.pop(name, None)
                for key in self._told.pop(name):
                    record_of(*key)[0] = ABSENT

    def names(self, name: str) -> list[str]:
        """Return the families that a source has told."""
        return list(
            dict.fromkeys(shape.name for shape, _ in self._told.get(name, ()) if shape.kind != CREATED)
        )

    def reset(self) -> None:
        """Begin anew in a forked child: what the parent had published is not told again."""
        self._lock = RLock()
        self._asides.clear()
        for told in self._told.values():
            self._inherited.update({key: values for key, values in told.items() if key[0].merge in _ADDED})
        self._told.clear()

    def _asked(self, name: str, source: Source, seconds: float) -> Iterable[Told] | None:
        try:
            if source.quick:
                return list(source.tell())
            return self._aside(name).ask(lambda: list(source.tell()), seconds)
        except EndingError:
            return None
        except LateError as error:
            self._failed(name.partition(" ")[0], error)
            return None
        except Exception as error:  # noqa: BLE001 -- what others register, and what they read, may raise anything
            self._failed(name.partition(" ")[0], error)
            return []

    def _aside(self, name: str) -> Aside[list[Told]]:
        return self._asides.setdefault(name, Aside(self._helpers))

    def _write(self, one: Told, record_of: RecordOf, expose: Expose) -> None:
        before = self._inherited.get((one.shape, one.labels))
        values = (
            one.values
            if before is None
            else [now - then for now, then in zip(one.values, before, strict=True)]
        )
        record = record_of(one.shape, one.labels)
        for place, value in enumerate(values):
            record[place] = value
        for bucket, exemplar in enumerate(one.exemplars):
            if exemplar is not None:
                expose(one.shape, one.labels, bucket, exemplar)


def readings(store: Store) -> dict[str, Source]:
    """Return the readings of *store* that are for several workers, by name."""
    return {
        one.spec.name: Source(partial(_read, one.shape, one.told))
        for one in store.shown()
        if one.told is not None and one.shape is not None
    }


def source_of(collector: Any) -> Source | None:
    """Return what tells the families of *collector*, where it is of a kind that is told to other workers."""
    kind: Any = type(collector)
    merge = _merge_of(kind)
    if merge is not None:
        quick = kind in {ProcessCollector, GCCollector}  # The others take a lock that users may hold.
        return Source(partial(_all_told, partial(_collected, collector, merge)), quick)
    if hasattr(kind, "tell_workers"):  # Ours for OpenTelemetry, which is not imported where nobody uses it.
        return Source(partial(_all_told, collector.tell_workers), quick=False, inherited=True)
    return None


@cache
def _merge_of(kind: type) -> Merge | None:
    return next((merge for known, merge in _KINDS.items() if issubclass(kind, known)), None)


def _read(shape: Shape, read: Callable[[], Iterable[tuple[Labels, float]]]) -> Iterator[Told]:
    for labels, value in read():
        yield Told(shape, tuple(map(cleaned, labels)), _values(shape, value))


def _collected(collector: Any, merge: Merge) -> Iterator[tuple[Metric, Merge]]:
    for metric in collector.collect():
        yield metric, merge


def _all_told(tell: Callable[[], Iterable[tuple[Metric, Merge]]]) -> Iterator[Told]:
    for metric, merge in tell():
        yield from _told(metric, merge)


def _told(metric: Metric, merge: Merge) -> Iterator[Told]:
    """Yield the series of a family of single values, or of histograms."""
    if metric.type == "histogram":
        yield from _histograms(metric, merge)
        return
    for sample in metric.samples:
        names, labels = _split(sample.labels)
        shape = Shape(metric.name, metric.type, metric.documentation, metric.unit, names, (), merge)
        if sample.name == f"{metric.name}_created" and metric.type == "counter":
            shape = shape._replace(kind=CREATED)
        traces = () if sample.exemplar is None else (_shared(sample.exemplar),)
        yield Told(shape, labels, _values(shape, sample.value), traces)


def _histograms(metric: Metric, merge: Merge) -> Iterator[Told]:
    series: dict[tuple[tuple[str, str], ...], list[Any]] = {}
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in metric.samples:
        key = tuple(sorted((name, text) for name, text in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            series.setdefault(key, []).append(sample)
        elif sample.name.endswith("_sum"):
            sums[key] = sample.value
    for key, buckets in series.items():
        names, labels = tuple(name for name, _ in key), tuple(text for _, text in key)
        bounds = tuple(float(one.labels["le"]) for one in buckets[:-1])
        shape = Shape(metric.name, "histogram", metric.documentation, metric.unit, names, bounds, merge)
        running = [0.0, *(one.value for one in buckets)]
        counts = [after - before for before, after in pairwise(running)]
        traces = tuple(None if one.exemplar is None else _shared(one.exemplar) for one in buckets)
        yield Told(shape, labels, [*counts, sums.get(key, 0.0)], traces)


def _shared(exemplar: Exemplar) -> SharedExemplar:
    return SharedExemplar(dict(exemplar.labels), exemplar.value, float(exemplar.timestamp or time()))


def _split(labels: dict[str, str]) -> tuple[Labels, Labels]:
    pairs = sorted(labels.items())
    return tuple(name for name, _ in pairs), tuple(text for _, text in pairs)


def _values(shape: Shape, value: float) -> Values:
    return [float(value), 0.0] if shape.kind == "gauge" else [float(value)]
