"""The outermost layer of an application: endpoints of its own, and the signals of every request."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import Token
from typing import Final, NamedTuple

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import get_current_span

from observekit.asgi import ASGIApp, Receive, Scope, Send
from observekit.correlation import with_fields
from observekit.guard import Guard
from observekit.http.exchange import Exchange
from observekit.http.lifespan import Lifespan
from observekit.http.route import Routes
from observekit.http.signals import RequestMetrics, known_method, log_request
from observekit.http.span import ServerSpan, Tracing
from observekit.logs.pipeline import Pipeline

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]

MARK: Final = "observekit"
"""Key in the scope of a request that is observed already, by a layer further out."""


class Parts(NamedTuple):
    """What a layer is made of; a signal that is off is ``None`` and costs nothing."""

    metrics: RequestMetrics | None
    tracing: Tracing | None
    logs: Pipeline | None
    endpoints: Mapping[str, Endpoint]
    lifespan: Lifespan
    guard: Guard
    claims: Mapping[str, object]
    """Keys in the scope by which others say that they trace a request, and what tells them not to."""
    exemplars: bool


class _Begun(NamedTuple):
    method: str
    span: ServerSpan | None
    token: Token[Context]


class HttpLayer:
    """Observes an ASGI application; nothing of a request is kept here."""

    __slots__ = ("_app", "_parts", "_routes")

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._routes = Routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, or the life of the application."""
        kind = scope["type"]
        if MARK in scope:
            await self._app(scope, receive, send)
        elif kind == "http":
            self._parts.lifespan.serving()
            endpoint = self._parts.endpoints.get(_path(scope))
            if endpoint is not None:
                await endpoint(scope, receive, send)
            else:
                await self._observe(scope, receive, send)
        elif kind == "lifespan":
            scope[MARK] = True
            await self._parts.lifespan.run(self._app, scope, receive, send)
        else:
            self._parts.lifespan.serving()
            await self._app(scope, receive, send)

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(receive, send)
        begun = self._begin(scope, exchange)
        if begun is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            exchange.error = error
            raise
        finally:
            self._finish(scope, exchange, begun)

    def _begin(self, scope: Scope, exchange: Exchange) -> _Begun | None:
        parts = self._parts
        try:
            method = known_method(scope)
            span = None
            context = None
            scope[MARK] = exchange.fields
            if parts.tracing is not None and self._claim(scope):
                span = parts.tracing.begin(scope, method)
                context = span.context
            token = attach(with_fields(exchange.fields, context))
        except Exception as error:  # noqa: BLE001 -- the request is answered, observed or not
            parts.guard.failed("exchange", error)
            return None
        if parts.metrics is not None:
            parts.metrics.active.cell(method).add(1)
        return _Begun(method, span, token)

    def _claim(self, scope: Scope) -> bool:
        """Say to others that the request is traced here; ``False`` where one has begun before us."""
        claims = self._parts.claims
        if any(key in scope for key in claims):
            return False
        scope.update(claims)
        return True

    def _finish(self, scope: Scope, exchange: Exchange, begun: _Begun) -> None:
        parts = self._parts
        if parts.metrics is not None:
            parts.metrics.active.cell(begun.method).add(-1)
        try:
            exchange.close()
            self._record(scope, exchange, begun)
        except Exception as error:  # noqa: BLE001 -- the response is out, and the exception is the application's
            parts.guard.failed("exchange", error)
        finally:
            detach(begun.token)

    def _record(self, scope: Scope, exchange: Exchange, begun: _Begun) -> None:
        parts = self._parts
        route = self._routes.of(scope)
        span = get_current_span() if begun.span is None else begun.span.span
        context = span.get_span_context()
        ids: dict[str, str] = {}
        if context.is_valid:
            ids["trace_id"] = f"{context.trace_id:032x}"
            ids["span_id"] = f"{context.span_id:016x}"
            ids["trace_flags"] = f"{context.trace_flags:02x}"
        if parts.metrics is not None:
            sampled = parts.exemplars and context.is_valid and context.trace_flags.sampled
            trace = (ids["trace_id"], ids["span_id"]) if sampled else None
            parts.metrics.record(exchange, begun.method, route, trace)
        if parts.logs is not None:
            log_request(parts.logs, scope, exchange, route, ids)
        if begun.span is not None:
            begun.span.finish(exchange, begun.method, route)


def _path(scope: Scope) -> str:
    """Return the path below the server's root path, which the path of the scope includes."""
    path: str = scope["path"]
    root = scope.get("root_path")
    return path[len(root) :] if root and path.startswith(root) else path
