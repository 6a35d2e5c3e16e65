"""The instruments of the process, each made once from the catalogue."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from time import time
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.registry import REGISTRY

from observekit.catalogue import exports, operations, websockets
from observekit.catalogue import metrics as catalogue
from observekit.config import Config, Effective
from observekit.errors import ConfigError
from observekit.guard import Guard
from observekit.health.check import Check, Result
from observekit.http.signals import RequestMetrics
from observekit.http.sizes import SizeMetrics
from observekit.http.sockets import SocketMetrics
from observekit.install.identity import target_info
from observekit.metrics.cells import CounterCell
from observekit.metrics.exposition import Exposition, collectors
from observekit.metrics.store import Store
from observekit.metrics.workers.member import Member
from observekit.operations.periods import Periods
from observekit.operations.signals import WorkMetrics


class Instruments:
    """Every family that is not read at scrape time, and what writes to it."""

    def __init__(self, config: Config, guard: Guard) -> None:
        self.store = store = Store(config.series_limit, lambda _, error: guard.failed("metrics", error))
        self.requests = RequestMetrics(
            duration=store.histogram(catalogue.REQUEST_DURATION),
            active=store.gauge(catalogue.ACTIVE_REQUESTS),
            first_byte=store.histogram(catalogue.TIME_TO_FIRST_BYTE),
            aborted=store.counter(catalogue.REQUESTS_ABORTED),
            background=store.histogram(catalogue.BACKGROUND_DURATION),
            sizes=_sizes(store) if config.body_sizes else None,
        )
        self.sockets = SocketMetrics(
            active=store.gauge(websockets.ACTIVE_CONNECTIONS),
            duration=store.histogram(websockets.CONNECTION_DURATION),
            messages=store.counter(websockets.MESSAGES),
        )
        self.work = _work(store)
        self._mistakes = store.counter(operations.CONTEXT_MISTAKES)
        self._refusals = store.counter(operations.CONTEXT_REFUSED)
        self._decisions = store.counter(operations.TRACES_DECIDED)
        # Told of spans that are lost, and of those that wait, and why; whoever has a voice sets them.
        self.spans_lost: Callable[[int, str], None] = lambda *_: None
        self.spans_wait: Callable[[int, str], None] = lambda *_: None
        self._check_duration = store.histogram(catalogue.HEALTH_CHECK_DURATION)
        self._check_changes = store.counter(catalogue.HEALTH_CHECK_TRANSITIONS)
        self._check_blocks = store.counter(catalogue.HEALTH_CHECK_LOOP_BLOCKS)
        self._log_records = store.counter(exports.LOG_RECORDS)
        # All levels are there from the beginning, and one of them is counted for each request.
        self._levels: dict[str, CounterCell] = {level: cell for (level,), cell in self._log_records.series()}
        self._log_drops = store.counter(exports.LOG_RECORDS_DROPPED)
        self._spans_ended = store.counter(exports.SPANS_ENDED).cell()
        self._log_suppressions = store.counter(exports.LOG_RECORDS_SUPPRESSED)
        if config.logs_exporter != "none":
            self._log_exports = store.counter(exports.LOG_EXPORTS)
            self._log_exports_dropped = store.counter(exports.LOG_EXPORTS_DROPPED)
        self._spans = store.counter(exports.SPANS)
        self._span_drops = store.counter(exports.SPANS_DROPPED)
        self._exports = store.histogram(exports.EXPORT_DURATION)
        self._collector_errors = store.counter(catalogue.COLLECTOR_ERRORS)
        # Empty before the first page is done: no page takes no time.
        self._scrape: list[tuple[tuple[str, ...], float]] = []
        store.reading(catalogue.SCRAPE_DURATION, lambda: self._scrape)
        store.reading(catalogue.CLOCK, lambda: [((), time())])

    def log_record(self, level: str) -> None:
        """Count a log record."""
        cell = self._levels.get(level)
        (self._log_records.cell(level) if cell is None else cell).add()

    def log_suppressed(self, reason: str, records: int) -> None:
        """Count log records that were kept back on purpose."""
        self._log_suppressions.cell(reason).add(records)

    def log_dropped(self, reason: str, lines: int) -> None:
        """Count log records that will not be written."""
        self._log_drops.cell(reason).add(lines)

    def span_ended(self) -> None:
        """Count a sampled span that has ended."""
        self._spans_ended.add()

    def spans_exported(self, spans: int) -> None:
        """Count spans that the collector has taken."""
        self._spans.cell("exported").add(spans)

    def spans_rejected(self, spans: int) -> None:
        """Count spans that the collector has refused for good."""
        self._spans.cell("rejected").add(spans)

    def span_dropped(self, reason: str, spans: int) -> None:
        """Count spans that will not arrive."""
        self._span_drops.cell(reason).add(spans)

    def export_tried(self, outcome: str, seconds: float) -> None:
        """File the time of a request to the collector."""
        self._exports.cell("traces", outcome).observe(seconds)

    def logs_sent(self, outcome: str, records: int) -> None:
        """Count log records by what the collector said to them."""
        self._log_exports.cell(outcome).add(records)

    def logs_not_sent(self, reason: str, records: int) -> None:
        """Count log records that the collector will not get."""
        self._log_exports_dropped.cell(reason).add(records)

    def log_export_tried(self, outcome: str, seconds: float) -> None:
        """File the time of a request with log records."""
        self._exports.cell("logs", outcome).observe(seconds)

    def show_logs_waiting(self, held: Callable[[], tuple[int, int]]) -> None:
        """Show the bytes of log records that wait, which *held* returns."""
        self.store.reading(exports.LOG_EXPORT_QUEUE, lambda: [((), float(held()[1]))])

    def show_waiting(self, held: Callable[[], tuple[int, int]]) -> None:
        """Show how many spans wait, and their bytes, which *held* returns."""
        self.store.reading(exports.SPANS_WAITING, lambda: [((), float(held()[0]))])
        self.store.reading(exports.SPAN_QUEUE, lambda: [((), float(held()[1]))])

    def show_open(self, spans: Callable[[], int]) -> None:
        """Show how many recorded spans have begun and not ended, which *spans* returns."""
        self.store.reading(exports.SPANS_OPEN, lambda: [((), float(spans()))])

    def trace_decided(self, decision: str) -> None:
        """Count what became of a trace that was not sampled."""
        self._decisions.cell(decision).add()

    def context_refused(self, reason: str) -> None:
        """Count trace context that was not read."""
        self._refusals.cell(reason).add()

    def mistaken(self, reason: str) -> None:
        """Count context that was left where it does not belong."""
        self._mistakes.cell(reason).add()

    def checked(self, check: Check, result: Result) -> None:
        """File the time of a health check."""
        self._check_duration.cell(check.name).observe(result.seconds)

    def check_added(self, check: Check) -> None:
        """Show a health check from zero on, so that increase() sees the first change."""
        self._check_changes.cell(check.name)
        self._check_blocks.cell(check.name)

    def check_changed(self, check: Check) -> None:
        """Count that a health check says something else than before."""
        self._check_changes.cell(check.name).add()

    def check_blocked(self, check: Check) -> None:
        """Count that a health check held the event loop."""
        self._check_blocks.cell(check.name).add()

    def collector_failed(self, guard: Guard) -> Callable[[str, Exception], None]:
        """Return what counts a collector whose families are missing."""

        def failed(collector: str, error: Exception) -> None:
            self._collector_errors.cell(collector).add()
            guard.failed("collector", error)

        return failed

    def exposition(self, registry: CollectorRegistry, guard: Guard, member: Member | None) -> Exposition:
        """Return what renders *registry*, for all workers where there are several."""
        return Exposition(registry, self.collector_failed(guard), self._scraped, member)

    def describe_workers(self, member: Member | None) -> None:
        """Show how the workers share what they count."""
        degraded, files = catalogue.DEGRADED, catalogue.WORKER_FILES
        self.store.reading(degraded, lambda: [(("workers",), float(member is not None and member.degraded))])
        self.store.reading(files, lambda: [((), 0.0 if member is None else float(member.files))])

    def _scraped(self, seconds: float) -> None:
        self._scrape = [((), seconds)]

    def describe(
        self, effective: Effective, guard: Guard, attributes: dict[str, str], periods: Periods
    ) -> None:
        """Show what does not change, and what is counted elsewhere."""
        self.store.reading(operations.JOB_PERIOD, periods.shown)
        identity = target_info(attributes)
        # One variable may be wrong for several settings.
        rejected = dict.fromkeys(((problem.variable,) for problem in effective.problems), 1.0)
        self.store.reading(catalogue.TARGET_INFO, lambda: [(identity, 1.0)])
        self.store.reading(catalogue.REJECTED_SETTINGS, rejected.items)
        self.store.reading(
            catalogue.INTERNAL_ERRORS,
            lambda: [((component,), float(count)) for component, count in dict(guard.failures).items()],
        )


def _work(store: Store) -> WorkMetrics:
    return WorkMetrics(
        operations=store.labelled(operations.OPERATION_DURATION),
        jobs=store.gauge(operations.JOB_LAST_SUCCESS),
        messages=store.histogram(operations.MESSAGE_DURATION),
        consumed=store.counter(operations.MESSAGES_CONSUMED),
    )


def _sizes(store: Store) -> SizeMetrics:
    return SizeMetrics(
        request=store.histogram(catalogue.REQUEST_BODY_SIZE),
        response=store.histogram(catalogue.RESPONSE_BODY_SIZE),
    )


def register(store: Store, registry: CollectorRegistry) -> Callable[[], None]:
    """Put our families into *registry*, beside those of the process; return what takes them out.

    Raises:
        ConfigError: If the registry has a family of one of our names.
    """
    added: list[Any] = []

    def undo() -> None:
        for collector in added:
            with suppress(KeyError):  # Somebody has taken it out already.
                registry.unregister(collector)

    try:
        registry.register(store)
        added.append(store)
        if registry is not REGISTRY:  # Which has had them from the beginning.
            added.extend(_of_the_process(registry))
    except BaseException as error:
        undo()
        if not isinstance(error, ValueError):
            raise
        raise ConfigError(
            f"the registry has metrics of the names that observekit uses ({error}). Remove the other "
            "instrumentation, or pass a registry of its own: setup(registry=CollectorRegistry())."
        ) from error
    return undo


def _of_the_process(registry: CollectorRegistry) -> Iterator[Any]:
    kinds = {type(collector) for collector in collectors(registry)}
    for make in (ProcessCollector, PlatformCollector, GCCollector):
        if make not in kinds:
            yield make(registry=registry)
