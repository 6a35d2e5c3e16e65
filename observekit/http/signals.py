"""What a request adds to the metrics."""

from dataclasses import dataclass, field
from typing import Final

from observekit.asgi import Scope
from observekit.http.exchange import Exchange
from observekit.http.sizes import SizeMetrics
from observekit.metrics.cells import CounterCell, GaugeCell, HistogramCell
from observekit.metrics.family import Family
from observekit.semconv import (
    KNOWN_METHODS,
    OTHER_METHOD,
    UNMATCHED_ROUTE,
)

# Source: what frameworks do to return takes a tenth of this without any task, and a busy loop's turn about as
# long. To file every request would cost each one, and the tasks would drown in quantiles of nothing.
BACKGROUND_SECONDS: Final = 0.001
# More kinds of requests than a service has; those past them are looked up each time.
_KINDS: Final = 4096


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
    _kept: dict[tuple[str, str, int | None], tuple[HistogramCell, HistogramCell]] = field(
        default_factory=dict
    )

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
        kept = self._kept.get((method, route, exchange.status))
        duration, first_byte = self._cells(exchange, method, route) if kept is None else kept
        started = exchange.started
        duration.observe((exchange.ended or started) - started, trace)
        if exchange.first_byte is not None:
            first_byte.observe(exchange.first_byte - started, trace)
        reason = exchange.reason
        # An exception before the start is answered with a whole response, by whoever is further out.
        if reason is not None and (reason != "error" or exchange.first_byte is not None):
            self.aborted.cell(route, reason).add()
        if exchange.background > BACKGROUND_SECONDS:
            self.background.cell(route).observe(exchange.background, trace)
        if self.sizes is not None:
            self.sizes.record(exchange, method, route, _shown(exchange.status))

    def _cells(self, exchange: Exchange, method: str, route: str) -> tuple[HistogramCell, HistogramCell]:
        """Find the cells of a kind of request, and keep them unless they are overflow, which is counted."""
        status = _shown(exchange.status)
        found = self.duration.cell(method, route, status), self.first_byte.cell(route)
        series = self.duration.known(method, route, status), self.first_byte.known(route)
        if found == series and len(self._kept) < _KINDS:
            self._kept[method, route, exchange.status] = found
        return found


def _shown(status: int | None) -> str:
    return "" if status is None else str(status)


def address(end: object) -> str | None:
    """Return the host of one end of a connection, where the server knows it."""
    return end[0] if isinstance(end, tuple | list) and end and isinstance(end[0], str) else None
