"""OpenTelemetry's metrics on our page: its globals set from the configuration, and set back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics
from opentelemetry.metrics import _internal as globals_of_metrics
from prometheus_client import CollectorRegistry

from observekit.catalogue.metrics import OTEL_METRICS_LEFT_OUT
from observekit.config import Config
from observekit.guard import Guard
from observekit.metrics.exposition import collectors
from observekit.metrics.otel.provider import LazyProvider
from observekit.metrics.store import Store

if TYPE_CHECKING:
    from observekit.metrics.otel.sdk import PageReader

_REASONS: Final = OTEL_METRICS_LEFT_OUT.values["reason"]
_THEIR_EXPORTER: Final = "opentelemetry.exporter.prometheus"

Say = Callable[[str, str], None]


class Meters:
    """The meter provider of one process, and what it is read by.

    Attributes:
        found: What was there before us, as sentences.
        ours: Whether the global provider is the one that was made here.
    """

    def __init__(
        self,
        config: Config,
        attributes: Mapping[str, str],
        registry: CollectorRegistry,
        guard: Guard,
        say: Say,
    ) -> None:
        self.found: list[str] = []
        self._config = config
        self._attributes = attributes
        self._registry = registry
        self._guard = guard
        self._say = say
        self._told: set[tuple[str, str]] = set()
        self._missing: Mapping[str, str] = {}
        self._undo: list[Callable[[], object]] = []
        self._provider = LazyProvider(self._make, lambda error: guard.failed("metrics", error))
        existing = _provider_before(self._guard)
        self.ours = existing is None
        if existing is None:
            metrics.set_meter_provider(self._provider)
            self._undo.append(_forget_provider)
        else:
            self._join(existing)

    def show_in(self, store: Store) -> None:
        """Show in *store* how many metrics are left out."""
        store.reading(OTEL_METRICS_LEFT_OUT, self._readings)

    def flush(self, budget_seconds: float) -> None:
        """Let readers that users have added send what they have."""
        if self._provider.made is not None:
            self._within(budget_seconds, getattr(self._provider.made, "force_flush", None))

    def close(self, budget_seconds: float) -> None:
        """End within *budget_seconds*, and set OpenTelemetry back as it was."""
        for undo in reversed(self._undo):
            try:
                undo()
            except Exception as error:  # noqa: BLE001 -- the others are still to be undone
                self._guard.failed("metrics", error)
        self._undo.clear()
        self._provider.close()
        self._within(budget_seconds, getattr(self._provider.made, "shutdown", None))

    def _join(self, existing: Any) -> None:
        """Read a provider that somebody has set before, where that is possible."""
        name = type(existing).__qualname__
        if any(type(one).__module__.startswith(_THEIR_EXPORTER) for one in collectors(self._registry)):
            self.found.append(f"meter provider {name} was set before and is on the page by its own reader")
            return
        if not hasattr(existing, "add_metric_reader"):
            self.found.append(f"meter provider {name} was set before; its metrics are not on the page")
            return
        reader = self._reader()
        existing.add_metric_reader(reader)
        self._undo.append(lambda: existing.remove_metric_reader(reader))
        self.found.append(f"meter provider {name} was set before; it is kept and its metrics are on the page")

    def _make(self) -> Any:
        from observekit.metrics.otel.sdk import make_provider  # noqa: PLC0415 -- the SDK, only where it is used

        limit = self._config.series_limit
        return make_provider(self._reader(), self._attributes, self._config.otel_exemplar_filter, limit)

    def _reader(self) -> "PageReader":
        from observekit.metrics.otel.sdk import OpenTelemetryMetrics, PageReader  # noqa: PLC0415 -- as above

        reader = PageReader(self._config.series_limit)
        collector: Any = OpenTelemetryMetrics(
            reader, self._registry, self._config.series_limit, self._left_out
        )
        self._registry.register(collector)
        self._undo.append(lambda: _unregister(self._registry, collector))
        return reader

    def _left_out(self, missing: Mapping[str, str]) -> None:
        self._missing = missing
        for told in missing.items():
            if told not in self._told:
                self._told.add(told)
                self._say(*told)

    def _readings(self) -> Iterator[tuple[tuple[str, ...], float]]:
        reasons = list(self._missing.values())
        for reason in _REASONS:
            yield (reason,), float(reasons.count(reason))

    def _within(self, budget_seconds: float, end: Callable[[], object] | None) -> None:
        """Call *end* for at most *budget_seconds*: readers of users may wait for a collector of theirs."""
        if end is None:
            return
        thread = Thread(target=self._guarded, args=(end,), name="observekit-meters-end", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The interpreter is ending, and starts no thread any more.
            self._guarded(end)
            return
        thread.join(max(0.0, budget_seconds))

    def _guarded(self, end: Callable[[], object]) -> None:
        try:
            end()
        except Exception as error:  # noqa: BLE001 -- the SDK raises where one of the readers failed
            self._guard.failed("metrics", error)


def _unregister(registry: CollectorRegistry, collector: Any) -> None:
    with suppress(KeyError):  # Somebody has taken it out already.
        registry.unregister(collector)


def _provider_before(guard: Guard) -> Any:
    """Return the meter provider that somebody has set, by code or by OTEL_PYTHON_METER_PROVIDER."""
    try:
        existing = metrics.get_meter_provider()
    except Exception as error:  # noqa: BLE001 -- the variable names none that can be loaded
        guard.failed("metrics", error)
        return None
    return None if isinstance(existing, globals_of_metrics._ProxyMeterProvider) else existing  # noqa: SLF001


def _forget_provider() -> None:
    """Let another provider be set, as OpenTelemetry's own test tools do: there is no public way.

    Meters that were made before any provider stay, and measure with the next.
    """
    globals_of_metrics._METER_PROVIDER = None  # noqa: SLF001
    globals_of_metrics._METER_PROVIDER_SET_ONCE = type(globals_of_metrics._METER_PROVIDER_SET_ONCE)()  # noqa: SLF001
    globals_of_metrics._PROXY_METER_PROVIDER._real_meter_provider = None  # noqa: SLF001
