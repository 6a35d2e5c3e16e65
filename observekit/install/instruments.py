"""The instruments of the process, each made once from the catalogue."""

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.registry import REGISTRY

from observekit.catalogue import metrics as catalogue
from observekit.config import Config, Effective
from observekit.errors import ConfigError
from observekit.guard import Guard
from observekit.health.check import Check, Result
from observekit.http.signals import RequestMetrics
from observekit.install.identity import target_info
from observekit.metrics.exposition import Exposition
from observekit.metrics.store import Store


class Instruments:
    """Every family that is not read at scrape time, and what writes to it."""

    def __init__(self, config: Config) -> None:
        self.store = store = Store(config.series_limit)
        self.requests = RequestMetrics(
            duration=store.histogram(catalogue.REQUEST_DURATION),
            active=store.gauge(catalogue.ACTIVE_REQUESTS),
            first_byte=store.histogram(catalogue.TIME_TO_FIRST_BYTE),
            aborted=store.counter(catalogue.REQUESTS_ABORTED),
        )
        self._check_duration = store.histogram(catalogue.HEALTH_CHECK_DURATION)
        self._log_records = store.counter(catalogue.LOG_RECORDS)
        self._log_drops = store.counter(catalogue.LOG_RECORDS_DROPPED)
        self._spans = store.counter(catalogue.SPANS)
        self._span_drops = store.counter(catalogue.SPANS_DROPPED)
        self._exports = store.histogram(catalogue.EXPORT_DURATION)
        self._collector_errors = store.counter(catalogue.COLLECTOR_ERRORS)
        self._scrape = store.gauge(catalogue.SCRAPE_DURATION).cell()

    def log_record(self, level: str) -> None:
        """Count a log record."""
        self._log_records.cell(level).add()

    def log_dropped(self, reason: str, lines: int) -> None:
        """Count log records that will not be written."""
        self._log_drops.cell(reason).add(lines)

    def span_dropped(self, reason: str, spans: int) -> None:
        """Count spans that will not arrive."""
        self._span_drops.cell(reason).add(spans)

    def exported(self, arrived: bool, spans: int, seconds: float) -> None:  # noqa: FBT001 -- as Exported says
        """Count a batch of spans that was tried."""
        outcome = "exported" if arrived else "failed"
        self._spans.cell(outcome).add(spans)
        self._exports.cell("traces", outcome).observe(seconds)
        if not arrived:
            self.span_dropped("export_failed", spans)

    def checked(self, check: Check, result: Result) -> None:
        """File the time of a health check."""
        self._check_duration.cell(check.name).observe(result.seconds)

    def exposition(self, registry: CollectorRegistry, guard: Guard) -> Exposition:
        """Return what renders *registry*."""

        def failed(collector: str, error: Exception) -> None:
            self._collector_errors.cell(collector).add()
            guard.failed("collector", error)

        return Exposition(registry, failed, self._scrape.set)

    def describe(self, effective: Effective, guard: Guard, attributes: dict[str, str]) -> None:
        """Show what does not change, and what is counted elsewhere."""
        identity = target_info(attributes)
        rejected = [((problem.variable,), 1.0) for problem in effective.problems]
        self.store.reading(catalogue.TARGET_INFO, lambda: [(identity, 1.0)])
        self.store.reading(catalogue.REJECTED_SETTINGS, lambda: rejected)
        self.store.reading(
            catalogue.INTERNAL_ERRORS,
            lambda: [((component,), float(count)) for component, count in guard.failures.items()],
        )


def register(store: Store, registry: CollectorRegistry) -> None:
    """Put our families into *registry*, beside those of the process.

    Raises:
        ConfigError: If the registry has a family of one of our names.
    """
    try:
        registry.register(store)
    except ValueError as error:
        raise ConfigError(
            f"the registry has metrics of the names that observekit uses ({error}). Remove the other "
            "instrumentation, or pass a registry of its own: setup(registry=CollectorRegistry())."
        ) from error
    if registry is not REGISTRY:
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
