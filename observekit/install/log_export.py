"""Log records over OTLP, beside standard output: the queue and the transport that spans have."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from threading import RLock
from time import monotonic
from typing import Any, Final

from observekit.catalogue.events import LOG_EXPORT_FAILED
from observekit.config import Config
from observekit.guard import QUIET_SECONDS, Guard
from observekit.install.exporting import http_transport
from observekit.install.instruments import Instruments

# More loggers than a service has; who makes them without end has them in one scope.
_SCOPES: Final = 1024
_BATCH: Final = 512
# Set on the thread that sends: what is logged there is about sending, and would never end.
_SENDING: Final[ContextVar[bool]] = ContextVar("observekit-sending-logs", default=False)

Tell = Callable[[str, str, Mapping[str, Any]], None]


class LogExport:
    """Sends records to a collector; what it takes never waits.

    Args:
        config: Says where to.
        attributes: Those of the resource.
        instruments: Count what becomes of each record.
        guard: Takes what fails.
        tell: Writes a record of our own.
    """

    def __init__(
        self,
        config: Config,
        attributes: Mapping[str, str],
        instruments: Instruments,
        guard: Guard,
        tell: Tell,
    ) -> None:
        export = import_module("observekit.traces.export")
        encoding = import_module("observekit.traces.encoding")
        self._encode = import_module("observekit.traces.records").record_bytes
        scope = import_module("opentelemetry.sdk.util.instrumentation").InstrumentationScope
        resource = import_module("opentelemetry.sdk.resources").Resource(dict(attributes))
        self._group_of: Callable[[str], Any] = lambda name: encoding.group_of(resource, scope(name))
        self._groups: dict[str, Any] = {}
        self._guard = guard
        connect = http_transport(config, config.logs_endpoint or "", config.logs_headers)
        bounds = export.Bounds(
            spans=config.log_buffer_bytes,
            size=config.log_buffer_bytes,
            batch=_BATCH,
            delay_seconds=1.0,
            timeout_seconds=config.traces_timeout_seconds,
        )
        told = _Told(instruments, tell)
        self._queue = export.ExportQueue(partial(_connected, connect), bounds, told, guard)
        instruments.show_logs_waiting(self._queue.held)

    def take(self, record: Mapping[str, Any]) -> None:
        """Take one record that is redacted; not one about the sending of records."""
        if _SENDING.get():
            return
        try:
            name = record["logger"]
            group = self._groups.get(name)
            if group is None:
                group = self._group_of(name if len(self._groups) < _SCOPES else "")
                if len(self._groups) < _SCOPES:
                    self._groups[name] = group
            content = self._encode(record)
        except Exception as error:  # noqa: BLE001 -- the line is written all the same
            self._guard.failed("logs", error)
            self._queue.lose()
        else:
            self._queue.put(group, content)

    def flush(self, budget_seconds: float) -> None:
        """Send what waits, within *budget_seconds*."""
        self._queue.force_flush(int(budget_seconds * 1000))

    def close(self, budget_seconds: float) -> None:
        """Send what waits, and give up what is left after *budget_seconds*."""
        self._queue.shutdown(budget_seconds)


class _Told:
    """Counts what becomes of records, and says at most once a minute that some are lost."""

    def __init__(self, instruments: Instruments, tell: Tell) -> None:
        self._instruments = instruments
        self._tell = tell
        self._lock = RLock()
        self._said = -QUIET_SECONDS
        self._lost = 0

    def span_ended(self) -> None:
        """Count nothing: a record is counted when it is taken in."""

    def spans_exported(self, spans: int) -> None:
        """Count records that the collector has taken."""
        self._instruments.logs_sent("exported", spans)

    def spans_rejected(self, spans: int) -> None:
        """Count records that the collector has refused for good."""
        self._instruments.logs_sent("rejected", spans)

    def span_dropped(self, reason: str, spans: int) -> None:
        """Count records that will not arrive."""
        self._instruments.logs_not_sent(reason, spans)

    def export_tried(self, outcome: str, seconds: float) -> None:
        """File the time of a request."""
        self._instruments.log_export_tried(outcome, seconds)

    def spans_wait(self, spans: int, why: str) -> None:
        """Say nothing: they wait, and are on standard output."""

    def spans_lost(self, spans: int, why: str) -> None:
        """Say that records have not arrived; they are on standard output."""
        now = monotonic()
        with self._lock:
            self._lost += spans
            if not self._lost or now - self._said < QUIET_SECONDS:
                return
            spans, self._lost, self._said = self._lost, 0, now
        self._tell("warning", LOG_EXPORT_FAILED.name, {"records": spans, "problem": why})


def _connected(connect: Callable[[], Any]) -> Any:
    _SENDING.set(True)
    return connect()
