"""What a request leaves behind: its samples and its canonical event, from the same facts as its span."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from observekit.asgi import Scope
from observekit.http.exchange import Exchange
from observekit.http.sizes import SizeMetrics
from observekit.logs.pipeline import Pipeline
from observekit.metrics.cells import CounterCell, GaugeCell, HistogramCell
from observekit.metrics.family import Family
from observekit.semconv import (
    CLIENT_ADDRESS,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    KNOWN_METHODS,
    OTHER_METHOD,
    UNMATCHED_ROUTE,
    URL_PATH,
    label,
)

_LEVELS: Final = {"ok": "info", "client_error": "info", "server_error": "error", "aborted": "warning"}
# Source: what frameworks do to return takes a tenth of this without any task, and a busy loop's turn about as
# long. To file every request would cost each one, and the tasks would drown in quantiles of nothing.
BACKGROUND_SECONDS: Final = 0.001
_METHOD: Final = label(HTTP_REQUEST_METHOD)
_ROUTE: Final = label(HTTP_ROUTE)
_STATUS: Final = label(HTTP_RESPONSE_STATUS_CODE)
_PATH: Final = label(URL_PATH)
_CLIENT: Final = label(CLIENT_ADDRESS)


def known_method(scope: Scope) -> str:
    """Return the method, ``_OTHER`` for what is none: a client must not be able to invent series."""
    method: str = scope["method"]
    return method if method in KNOWN_METHODS else OTHER_METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMetrics:
    """The families that requests are counted in."""

    duration: Family[HistogramCell]
    active: Family[GaugeCell]
    first_byte: Family[HistogramCell]
    aborted: Family[CounterCell]
    background: Family[HistogramCell]
    sizes: SizeMetrics | None = None

    def __post_init__(self) -> None:
        self.duration.on_new(self._expect_failures)

    def _expect_failures(self, labels: tuple[str, ...]) -> None:
        """Show failures of a route at zero as soon as it is seen, so that increase() sees the first one.

        What clients can invent is left out: it fails nobody, and must not take room from what can.
        """
        method, route, _ = labels
        if method != OTHER_METHOD and route != UNMATCHED_ROUTE:
            self.duration.prepare(method, route, "500")
            for reason in self.aborted.spec.values["reason"]:
                self.aborted.prepare(route, reason)

    def record(self, exchange: Exchange, method: str, route: str, trace: tuple[str, str] | None) -> None:
        """Count a closed exchange; *trace* is an exemplar's trace and span id."""
        status = "" if exchange.status is None else str(exchange.status)
        ended = exchange.ended or exchange.started
        self.duration.cell(method, route, status).observe(ended - exchange.started, trace)
        if exchange.first_byte is not None:
            self.first_byte.cell(route).observe(exchange.first_byte - exchange.started, trace)
        reason = exchange.reason()
        if reason is not None:
            self.aborted.cell(route, reason).add()
        if exchange.background > BACKGROUND_SECONDS:
            self.background.cell(route).observe(exchange.background, trace)
        if self.sizes is not None:
            self.sizes.record(exchange, method, route, status)


def log_request(
    pipeline: Pipeline, scope: Scope, exchange: Exchange, route: str, ids: Mapping[str, str]
) -> None:
    """Write the canonical event of a closed exchange."""
    outcome = exchange.outcome()
    fields: dict[str, Any] = {
        _METHOD: scope["method"],
        _ROUTE: route,
        _PATH: scope.get("path"),
        _STATUS: exchange.status,
        "outcome": outcome,
        "duration_seconds": _seconds(exchange, exchange.ended),
        "time_to_first_byte_seconds": _seconds(exchange, exchange.first_byte),
        "response_bytes": exchange.response_bytes(scope["method"]),
        _CLIENT: address(scope.get("client")),
    }
    reason = exchange.reason()
    if reason is not None:
        fields["reason"] = reason
    error = exchange.error if isinstance(exchange.error, Exception) else None
    # A copy in one step: a thread that outlives the request may still be annotating.
    for name, value in exchange.fields.copy().items():
        fields[name if name not in fields else f"{name}_"] = value
    pipeline.emit(_LEVELS[outcome], "http.request", fields, logger="observekit.http", ids=ids, error=error)


def address(end: object) -> str | None:
    """Return the host of one end of a connection, where the server knows it."""
    return end[0] if isinstance(end, tuple | list) and end and isinstance(end[0], str) else None


def _seconds(exchange: Exchange, reading: float | None) -> float | None:
    # Microseconds are what the clock is good for; more digits only cost bytes.
    return None if reading is None else round(reading - exchange.started, 6)
