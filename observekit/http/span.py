"""The SERVER span of a request: whose trace it continues, what it says, when it ends."""

from time import time_ns
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from observekit.asgi import Scope
from observekit.http.exchange import Exchange
from observekit.http.headers import HeaderPicker
from observekit.logs.record import described
from observekit.redaction import redact_text
from observekit.semconv import (
    CLIENT_ADDRESS,
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    NETWORK_PROTOCOL_VERSION,
    OTHER_METHOD,
    SERVER_ADDRESS,
    SERVER_PORT,
    UNMATCHED_ROUTE,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
)
from observekit.traces.propagation import HeaderGetter
from observekit.traces.trust import Trust

_GETTER: Final = HeaderGetter()
_USER_AGENT: Final = "user-agent"
# The SDK would write a warning for every attribute over its limit, whose lowest setting this is.
_CLIENT_TEXT: Final = 1024
_NANOSECONDS: Final = 1_000_000_000


class ServerSpan:
    """A span that has begun, with the context it is current in."""

    __slots__ = ("context", "span", "started_ns")

    def __init__(self, span: Span, context: Context, started_ns: int) -> None:
        self.span = span
        self.context = context
        self.started_ns = started_ns

    def finish(self, exchange: Exchange, method: str, route: str) -> None:
        """Say what came of the request, and end at its last byte; call after the exchange was closed."""
        span = self.span
        if not span.is_recording():
            return
        if route != UNMATCHED_ROUTE:
            span.update_name(f"{_name_of(method)} {route}")
            span.set_attribute(HTTP_ROUTE, route)
        if exchange.status is not None:
            span.set_attribute(HTTP_RESPONSE_STATUS_CODE, exchange.status)
        error_type = _error_type(exchange)
        if error_type is not None:
            span.set_attribute(ERROR_TYPE, error_type)
        if exchange.outcome() == "server_error":
            span.set_status(StatusCode.ERROR)
        if isinstance(exchange.error, Exception):
            span.add_event("exception", _exception_attributes(exchange.error))
        seconds = (exchange.ended or exchange.started) - exchange.started
        span.end(self.started_ns + int(seconds * _NANOSECONDS))


class Tracing:
    """Begins SERVER spans.

    Args:
        tracer: Makes the spans.
        propagator: Reads the caller's context.
        trust: Whose context is continued; that of others becomes a link.
    """

    __slots__ = ("_headers", "_propagator", "_tracer", "_trust")

    def __init__(self, tracer: Tracer, propagator: TextMapPropagator, trust: Trust) -> None:
        self._tracer = tracer
        self._propagator = propagator
        self._trust = trust
        self._headers = HeaderPicker(frozenset(propagator.fields) | {_USER_AGENT, "b3"})

    def begin(self, scope: Scope, method: str) -> ServerSpan:
        """Begin the span of a request as a child of its caller, or as the root of a trace."""
        headers = self._headers.pick(scope)
        # Whatever happens to be current, as around a server's start, is not the caller of a request.
        alone = set_span_in_context(INVALID_SPAN, get_current())
        context = self._propagator.extract(headers, alone, _GETTER)
        caller = get_current_span(context).get_span_context()
        links = None
        client = scope.get("client")
        if not self._trust.trusts(client[0] if client else None):
            links = [Link(caller)] if caller.is_valid else None
            context = alone
        started_ns = time_ns()
        span = self._tracer.start_span(
            _name_of(method),
            context,
            SpanKind.SERVER,
            _attributes(scope, method, headers),
            links,
            started_ns,
            record_exception=False,
        )
        return ServerSpan(span, set_span_in_context(span, context), started_ns)


def _name_of(method: str) -> str:
    # Source: OpenTelemetry HTTP spans: the name of a request with an unknown method begins with HTTP.
    return "HTTP" if method == OTHER_METHOD else method


def _attributes(scope: Scope, method: str, headers: dict[str, list[str]]) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        HTTP_REQUEST_METHOD: method,
        URL_SCHEME: scope.get("scheme", "http"),
        URL_PATH: scope["path"][:_CLIENT_TEXT],
        NETWORK_PROTOCOL_VERSION: scope.get("http_version", "1.1"),
    }
    if method == OTHER_METHOD:
        attributes[HTTP_REQUEST_METHOD_ORIGINAL] = scope["method"]
    client, server = scope.get("client"), scope.get("server")
    if client:
        attributes[CLIENT_ADDRESS] = client[0]
    if server:
        # The address the server listens on: what the Host header says is the client's choice.
        attributes[SERVER_ADDRESS] = server[0]
        if server[1] is not None:
            attributes[SERVER_PORT] = server[1]
    if _USER_AGENT in headers:
        attributes[USER_AGENT_ORIGINAL] = headers[_USER_AGENT][0][:_CLIENT_TEXT]
    return attributes


def _exception_attributes(error: Exception) -> dict[str, AttributeValue]:
    # Not Span.record_exception: it calls str(error) unguarded, and raises what that raises.
    told = described(error)
    frames = [f"{cause['type']}: {cause['message']}" for cause in told.get("caused_by", ())]
    return {
        "exception.type": told["type"],
        "exception.message": redact_text(told["message"]),
        "exception.stacktrace": redact_text("\n".join([*told["frames"], *frames])),
    }


def _error_type(exchange: Exchange) -> str | None:
    reason = exchange.reason()
    if exchange.error is not None and reason not in {"client_disconnect", "cancelled"}:
        return type(exchange.error).__qualname__
    if reason is not None:
        return reason
    return str(exchange.status) if exchange.outcome() == "server_error" else None
