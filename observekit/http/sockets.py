"""WebSocket connections and their signals: one span, one event and one duration each, and live counts."""

from collections.abc import Mapping
from contextvars import Token
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import get_current_span

from observekit.asgi import ASGIApp, Receive, Scope, Send
from observekit.catalogue.events import LEVELS, WEBSOCKET_CONNECTION
from observekit.catalogue.websockets import CODE_OUTCOMES, DENIED, OTHER_CODE
from observekit.correlation import with_fields
from observekit.guard import Guard
from observekit.http.claims import MARK, Tracer
from observekit.http.ids import ids_of
from observekit.http.route import Routes
from observekit.http.signals import address
from observekit.http.span import ServerSpan
from observekit.http.under_way import UnderWay
from observekit.http.websocket import ACCEPTED, Connection, Live
from observekit.logs.events import Events
from observekit.logs.told import remember
from observekit.metrics.cells import CounterCell, GaugeCell, HistogramCell
from observekit.metrics.family import Family
from observekit.semconv import (
    CLIENT_ADDRESS,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    UNMATCHED_ROUTE,
    URL_PATH,
    WEBSOCKET,
    WEBSOCKET_CLOSE_CODE,
    label,
)
from observekit.traces.sent import is_sent

# What a connection ends with that nobody has wished for.
_FAILURES: Final = ("1006", "1011")
_LOGGER: Final = "observekit.http"


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketMetrics:
    """The families that connections are counted in."""

    active: Family[GaugeCell]
    duration: Family[HistogramCell]
    messages: Family[CounterCell]

    def __post_init__(self) -> None:
        self.active.on_new(self._expect_failures)

    def _expect_failures(self, labels: tuple[str, ...]) -> None:
        """Show failures of a route at zero as soon as it is seen, so that increase() sees the first one."""
        if labels[0] != UNMATCHED_ROUTE:
            for code in _FAILURES:
                self.duration.prepare(labels[0], code)

    def opened(self, route: str) -> Live:
        """Count a connection as open, and return its cells."""
        live = Live(
            self.active.cell(route), self.messages.cell(route, "received"), self.messages.cell(route, "sent")
        )
        live.connections.add(1)
        return live

    def record(self, connection: Connection, route: str, trace: tuple[str, str] | None) -> None:
        """Count a closed connection; *trace* is an exemplar's trace and span id."""
        seconds = (connection.ended or connection.started) - connection.started
        self.duration.cell(route, _code_label(connection)).observe(seconds, trace)


class SocketParts(NamedTuple):
    """What connections are observed with; a signal that is off is ``None``."""

    metrics: SocketMetrics | None
    tracer: Tracer
    logs: Events | None
    guard: Guard
    exemplars: bool
    under_way: UnderWay


class _Begun(NamedTuple):
    span: ServerSpan | None
    context: Context
    token: Token[Context]


class Sockets:
    """Observes the WebSocket connections of an application; nothing of a connection is kept here."""

    __slots__ = ("_app", "_parts", "_routes")

    def __init__(self, app: ASGIApp, parts: SocketParts, routes: Routes) -> None:
        self._app = app
        self._parts = parts
        self._routes = routes

    async def observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        connection = Connection(receive, send, partial(self._opened, scope))
        connection.path = scope.get("path")
        begun = self._begin(scope, connection, send)
        if begun is None:
            await self._app(scope, receive, send)
            return
        under_way = self._parts.under_way.open
        under_way[connection] = scope
        try:
            await self._app(scope, connection.receive, connection.send)
        except BaseException as error:
            connection.error = error
            raise
        finally:
            under_way.pop(connection, None)
            self._finish(scope, connection, begun)

    def _begin(self, scope: Scope, connection: Connection, send: Send) -> _Begun | None:
        try:
            scope[MARK] = connection.fields
            span = self._parts.tracer.begin(scope, WEBSOCKET, send)
            context = (
                with_fields(connection.fields)
                if span is None
                else with_fields(connection.fields, span.context, span.span)
            )
            return _Begun(span, context, attach(context))
        except Exception as error:  # noqa: BLE001 -- the connection is served, observed or not
            self._parts.guard.failed("exchange", error)
            return None

    def _opened(self, scope: Scope) -> Live | None:
        """Count a connection as open; routers have left its route in the scope before it is accepted."""
        metrics = self._parts.metrics
        if metrics is None:
            return None
        try:
            return metrics.opened(self._route(scope))
        except Exception as error:  # noqa: BLE001 -- the connection is open, counted or not
            self._parts.guard.failed("metrics", error)
            return None

    def _finish(self, scope: Scope, connection: Connection, begun: _Begun) -> None:
        try:
            connection.close()
            self._record(scope, connection, begun.span)
        except Exception as error:  # noqa: BLE001 -- the exception that is under way is the application's
            self._parts.guard.failed("exchange", error)
        finally:
            # Closed from elsewhere, as by the collector of garbage, there is nothing of ours to take away.
            if not isinstance(connection.error, GeneratorExit) or get_current() is begun.context:
                detach(begun.token)
            connection.error = None  # Its traceback holds the frame that holds the connection.

    def _record(self, scope: Scope, connection: Connection, begun: ServerSpan | None) -> None:
        """Write all signals; one that fails takes no other with it."""
        parts = self._parts
        route = self._route(scope)
        span = get_current_span() if begun is None else begun.span
        ids = ids_of(span.get_span_context())
        if begun is not None:
            try:
                if connection.code is not None:
                    span.set_attribute(WEBSOCKET_CLOSE_CODE, connection.code)
                begun.finish(connection, WEBSOCKET, route)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                parts.guard.failed("traces", error)
        if parts.metrics is not None:
            sampled = parts.exemplars and is_sent(span, span.get_span_context())
            trace = (ids["trace_id"], ids["span_id"]) if ids and sampled else None
            try:
                parts.metrics.record(connection, route, trace)
            except Exception as error:  # noqa: BLE001 -- its event is still to be written
                parts.guard.failed("metrics", error)
        if parts.logs is not None and parts.logs.wants(LEVELS[connection.outcome], _LOGGER):
            _log(parts.logs, scope, connection, route, ids)

    def _route(self, scope: Scope) -> str:
        try:
            return self._routes.of(scope)
        except Exception as error:  # noqa: BLE001 -- routes are the framework's, or the user's own
            self._parts.guard.failed("exchange", error)
            return UNMATCHED_ROUTE


def _code_label(connection: Connection) -> str:
    if connection.status != ACCEPTED:
        return DENIED
    return str(connection.code) if connection.code in CODE_OUTCOMES else OTHER_CODE


def _log(pipeline: Events, scope: Scope, connection: Connection, route: str, ids: Mapping[str, str]) -> None:
    """Write the canonical event of a closed connection."""
    outcome, reason = connection.outcome, connection.reason
    fields: dict[str, Any] = {
        label(HTTP_ROUTE): route,
        label(URL_PATH): connection.path,
        label(HTTP_RESPONSE_STATUS_CODE): connection.status,
        label(WEBSOCKET_CLOSE_CODE): connection.code,
        "closed_by": connection.closed_by,
        "outcome": outcome,
        # Microseconds are what the clock is good for; more digits only cost bytes.
        "duration_seconds": round((connection.ended or connection.started) - connection.started, 6),
        "messages_received": connection.received,
        "messages_sent": connection.sent,
        label(CLIENT_ADDRESS): address(scope.get("client")),
    }
    if reason is not None:
        fields["reason"] = reason
    error = connection.error if isinstance(connection.failure(), Exception) else None
    # A copy in one step: a thread that outlives the connection may still be annotating.
    for name, value in connection.fields.copy().items():
        fields[name if name not in fields else f"{name}_"] = value
    event = WEBSOCKET_CONNECTION.name
    pipeline.emit(LEVELS[outcome], event, fields, logger=_LOGGER, ids=ids, error=error)
    if error is not None:
        remember(error)
