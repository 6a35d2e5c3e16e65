"""What is used of OpenTelemetry's metrics SDK; imported only where somebody makes a meter."""

# First, so that its lock is free before a provider of the SDK's, from 1.45 on, makes a pool of threads in a
# forked child: handlers run in the order in which they were registered. Else the child is stuck for ever.
import concurrent.futures.thread  # noqa: F401
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import signature
from threading import RLock
from typing import Any, Final

from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    Histogram,
    MeterProvider,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    TraceBasedExemplarFilter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

from observekit.metrics.otel.families import Told, families
from observekit.metrics.store import Store

_FILTERS: Final[Mapping[str, Any]] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}
_INSTRUMENTS: Final = (
    *(Counter, UpDownCounter, Histogram),
    *(ObservableCounter, ObservableUpDownCounter, ObservableGauge),
)
_LIMITS: Final = "cardinality_limits"
_OVERFLOW: Final = {"otel.metric.overflow": True}


def has_limits() -> bool:
    """Whether the SDK itself keeps the attribute sets of an instrument below a limit."""
    return _LIMITS in signature(MetricReader.__init__).parameters


class PageReader(MetricReader):
    """Collects when the page is made, and never otherwise."""

    def __init__(self, limit: int) -> None:
        limits: Any = {_LIMITS: dict.fromkeys(_INSTRUMENTS, limit)} if has_limits() else {}
        super().__init__(**limits)
        self._reading = RLock()
        self._data: MetricsData | None = None

    def read(self) -> MetricsData | None:
        """Return what there is now."""
        with self._reading:
            self._data = None
            self.collect()
            return self._data

    def _receive_metrics(self, metrics_data: MetricsData, *_: Any, **__: Any) -> None:
        self._data = metrics_data

    def force_flush(self, *_: Any, **__: Any) -> bool:
        """Do nothing: nobody is waiting for what is only read."""
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Do nothing: the page keeps no connection."""


class OpenTelemetryMetrics:
    """What a reader has, as a collector of *registry*; names that others have there are left to them.

    *left_out* is told the metrics that are not on the page, by name with the reason, each time it is made.
    """

    def __init__(
        self,
        reader: PageReader,
        registry: CollectorRegistry,
        limit: int,
        left_out: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._reader = reader
        self._registry = registry
        self._limit = limit
        self._left_out = left_out

    def collect(self) -> Iterator[Metric]:
        """Yield the families of now."""
        return (metric for metric, _ in self.tell_workers())

    def tell_workers(self) -> Iterator[Told]:
        """Yield the families of now, each with what becomes of its series where several workers have them."""
        data = self._reader.read()
        missing: dict[str, str] = {}
        if data is not None:
            yield from families(data, self._taken(), self._limit, missing.__setitem__)
        self._left_out(missing)

    def describe(self) -> list[Metric]:
        """Return nothing: which metrics there will be is known when they are there."""
        return []

    def _taken(self) -> dict[str, str]:
        # There is no public way to ask a registry for its names; without them a name that is on the page
        # twice is found when the page is written, and costs more than its own family.
        known: Mapping[str, object] = getattr(self._registry, "_names_to_collectors", {})
        return {
            name: "observekit" if isinstance(collector, Store) else "name_taken"
            for name, collector in list(known.items())
        }


def make_provider(
    reader: PageReader, resource: Mapping[str, str], exemplars: str, limit: int
) -> MeterProvider:
    """Return a provider that *reader* reads; *exemplars* is one of OpenTelemetry's exemplar filters."""
    provider = MeterProvider(
        metric_readers=[reader],
        resource=Resource(dict(resource)),
        exemplar_filter=_FILTERS[exemplars](),
        shutdown_on_exit=False,  # Kit.shutdown() ends everything within one budget.
    )
    if not has_limits() and hasattr(provider, "_measurement_consumer"):
        provider._measurement_consumer = BoundedConsumer(provider._measurement_consumer, limit)  # type: ignore[assignment]  # noqa: SLF001 -- see there
    return provider


class BoundedConsumer:
    """Stands before the SDK's own consumer where that keeps every attribute set it has ever seen.

    SDKs since 1.45.2 have a limit of their own. Past it, measurements are filed under one attribute set.
    """

    def __init__(self, consumer: Any, limit: int) -> None:
        self._consumer = consumer
        self._limit = limit
        self._seen: dict[Any, set[object]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def consume_measurement(self, measurement: Any) -> None:
        """File *measurement*."""
        seen = self._seen.setdefault(measurement.instrument, set())
        key = _identity(measurement.attributes or {})
        if key not in seen:
            if len(seen) >= self._limit:
                measurement = replace(measurement, attributes=_OVERFLOW)
            else:
                seen.add(key)
        self._consumer.consume_measurement(measurement)


def _identity(attributes: Mapping[str, object]) -> object:
    try:
        return frozenset(attributes.items())
    except TypeError:  # A list among the values.
        return repr(sorted(attributes.items()))
