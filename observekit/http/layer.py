"""The outermost layer of an application: endpoints of its own, and the signals of every request."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import Token
from functools import partial
from typing import NamedTuple

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import INVALID_SPAN, get_current_span

from observekit.asgi import ASGIApp, Receive, Scope, Send
from observekit.correlation import with_fields
from observekit.guard import Guard
from observekit.http.claims import MARK, Tracer
from observekit.http.event import RequestLog
from observekit.http.exchange import Exchange
from observekit.http.ids import ids_of
from observekit.http.lifespan import Lifespan
from observekit.http.neighbours import Neighbours, Told
from observekit.http.route import Routes
from observekit.http.signals import RequestMetrics, known_method
from observekit.http.sizes import sized_exchange
from observekit.http.sockets import SocketParts, Sockets
from observekit.http.span import ServerSpan
from observekit.http.told import Tells
from observekit.http.under_way import UnderWay, closing
from observekit.logs.flight import Recorder
from observekit.metrics.cells import GaugeCell
from observekit.semconv import UNMATCHED_ROUTE
from observekit.traces.sent import is_sent

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]


class Parts(NamedTuple):
    """What a layer is made of; a signal that is off is ``None`` and costs nothing."""

    metrics: RequestMetrics | None
    tracer: Tracer
    logs: RequestLog | None
    endpoints: Mapping[str, Endpoint]
    lifespan: Lifespan
    guard: Guard
    exemplars: bool
    sockets: SocketParts
    neighbours_found: Told
    under_way: UnderWay
    tells: Tells | None = None
    flight: Recorder | None = None


# Method, its requests in flight, span, context and what takes that back. A bare tuple is made in a tenth of
# the time of one with names, and one is made for each request.
_Begun = tuple[str, GaugeCell | None, ServerSpan | None, Context, Token[Context]]


class HttpLayer:
    """Observes an ASGI application; nothing of a request is kept here."""

    __slots__ = (
        "_exchange",
        "_neighbours",
        "_new",
        "_parts",
        "_routes",
        "_served",
        "_sockets",
        "_tracer",
        "_under_way",
        "app",
    )

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        # Named as everywhere, so that those who walk the middleware stack find their way.
        self.app = app
        self._parts = parts
        self._tracer = parts.tracer if parts.tracer.traces else None
        self._under_way = parts.under_way
        self._routes = Routes()
        self._sockets = Sockets(app, parts.sockets, self._routes)
        self._neighbours = Neighbours(app, parts.tracer.around, parts.neighbours_found, parts.guard)
        self._new = True
        self._served = False
        sized = parts.metrics is not None and parts.metrics.sizes is not None
        self._exchange = sized_exchange if sized else Exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, or the life of the application."""
        kind = scope.get("type")
        if kind != "http" or MARK in scope:
            await self._pass(kind, scope, receive, send)
            return
        endpoint = self._arrived(kind, scope, send)
        if endpoint is not None:
            await endpoint(scope, receive, closing(scope, send) if self._under_way.closing else send)
            return
        exchange = self._exchange(receive, send)
        begun = self._begin(scope, exchange, send)
        if begun is None:
            await self.app(scope, receive, send)
            return
        under_way = self._under_way.open
        under_way[exchange] = scope
        if self._under_way.closing:
            exchange.send_through(partial(closing, scope))
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            exchange.error = error
            raise
        finally:
            under_way.pop(exchange, None)
            self._finish(scope, exchange, begun)

    async def _pass(self, kind: object, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle what is no request, or one that is observed already."""
        if MARK in scope:
            await self.app(scope, receive, send)
        elif kind == "lifespan":
            scope[MARK] = True
            self._note_server()
            self._neighbours.look(scope, send)
            await self._parts.lifespan.run(self.app, scope, receive, send)
        elif kind == "websocket":
            self._arrived(kind, scope, send)
            await self._sockets.observe(scope, receive, send)
        else:
            self._arrived(kind, scope, send)
            await self.app(scope, receive, send)

    def _arrived(self, kind: object, scope: Scope, send: Send) -> Endpoint | None:
        """Note a connection, and return the endpoint of ours that it asks for."""
        parts = self._parts
        try:
            parts.lifespan.serving()
            # The path of the scope includes the server's root path.
            path = scope["path"].removeprefix(scope.get("root_path") or "") if kind == "http" else ""
            endpoint = parts.endpoints.get(path)
            if self._new:
                self._look(scope, send, endpoint)
        except Exception as error:  # noqa: BLE001 -- the application answers what we cannot read
            parts.guard.failed("exchange", error)
            return None
        return endpoint

    def _look(self, scope: Scope, send: Send, endpoint: Endpoint | None) -> None:
        """Look who else is there, until a request came that is the application's: others leave probes out."""
        self._note_server()
        if endpoint is None:
            self._new = False
            self._neighbours.look(scope, send)

    def _note_server(self) -> None:
        if not self._served:
            self._served = True
            self._parts.tracer.around.note_server()

    def _begin(self, scope: Scope, exchange: Exchange, send: Send) -> _Begun | None:
        parts = self._parts
        active = None
        try:
            method = known_method(scope)
            scope[MARK], exchange.path = exchange.fields, scope.get("path")
            span = None if self._tracer is None else self._tracer.begin(scope, method, send)
            context = (
                with_fields(exchange.fields)
                if span is None
                else with_fields(exchange.fields, span.context, span.span)
            )
            if span is not None and parts.tells is not None:
                exchange.told = parts.tells(span.ids())
            if parts.flight is not None:
                context = parts.flight.begin(context)
            if parts.metrics is not None:
                active = parts.metrics.active.cell(method)
                active.add(1)
            return method, active, span, context, attach(context)
        except Exception as error:  # noqa: BLE001 -- the request is answered, observed or not
            parts.guard.failed("exchange", error)
            if active is not None:
                active.add(-1)
            return None

    def _finish(self, scope: Scope, exchange: Exchange, begun: _Begun) -> None:
        method, active, span, context, token = begun
        try:
            if active is not None:
                active.add(-1)
            exchange.close()
            self._record(scope, exchange, method, span, context)
        except Exception as error:  # noqa: BLE001 -- the response is out, and the exception is the application's
            self._parts.guard.failed("exchange", error)
        finally:
            # Closed from elsewhere, as by the collector of garbage, there is nothing of ours to take away.
            if not isinstance(exchange.error, GeneratorExit) or get_current() is context:
                detach(token)
            exchange.error = None  # Its traceback holds the frame that holds the exchange.

    def _record(
        self, scope: Scope, exchange: Exchange, method: str, begun: ServerSpan | None, context: Context
    ) -> None:
        """Write all signals; one that fails takes no other with it."""
        parts = self._parts
        route = self._route(scope, exchange.path)
        span = get_current_span(context) if begun is None else begun.span
        traced = None if span is INVALID_SPAN else span.get_span_context()
        ids = {} if traced is None else ids_of(traced) if begun is None else begun.ids()
        if begun is not None:
            try:
                begun.finish(exchange, method, route)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                parts.guard.failed("traces", error)
        if parts.metrics is not None:
            sampled = traced is not None and parts.exemplars and is_sent(span, traced)
            trace = (ids["trace_id"], ids["span_id"]) if ids and sampled else None
            try:
                parts.metrics.record(exchange, method, route, trace)
            except Exception as error:  # noqa: BLE001 -- its event is still to be written
                parts.guard.failed("metrics", error)
        if parts.flight is not None:
            self._end_flight(parts.flight, exchange, context)
        if parts.logs is not None:
            parts.logs.write(scope, exchange, route, ids)

    def _end_flight(self, flight: Recorder, exchange: Exchange, context: Context) -> None:
        """Write what was kept below the level if the request failed or was slow, and say so on its event."""
        try:
            seconds = (exchange.ended or exchange.started) - exchange.started
            kept, left_out = flight.end(context, seconds, failed=exchange.outcome == "server_error")
            if kept or left_out:
                exchange.fields["flight_records"] = kept
            if left_out:
                exchange.fields["flight_records_left_out"] = left_out
        except Exception as error:  # noqa: BLE001 -- its event is still to be written
            self._parts.guard.failed("logs", error)

    def _route(self, scope: Scope, arrived: str | None) -> str:
        try:
            return self._routes.of(scope, arrived)
        except Exception as error:  # noqa: BLE001 -- routes are the framework's, or the user's own
            self._parts.guard.failed("exchange", error)
            return UNMATCHED_ROUTE
