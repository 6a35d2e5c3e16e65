"""The SERVER span of a request: whose trace it continues, what it says, when it ends."""

from collections.abc import ItemsView, Iterator, Mapping
from time import time_ns
from typing import Final, NamedTuple, Protocol

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
from observekit.guard import Guard
from observekit.http.contrib import Around
from observekit.http.headers import HeaderPicker
from observekit.http.signals import address
from observekit.logs.record import described
from observekit.redaction import redact_text
from observekit.semconv import (
    CLIENT_ADDRESS,
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    NETWORK_PROTOCOL_NAME,
    NETWORK_PROTOCOL_VERSION,
    OTHER_METHOD,
    SERVER_ADDRESS,
    SERVER_PORT,
    UNMATCHED_ROUTE,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
    WEBSOCKET,
)
from observekit.traces.propagation import HeaderGetter
from observekit.traces.trust import Trust

_GETTER: Final = HeaderGetter()
# Apart from what says whose trace it is: looked for in requests that are sampled only.
_USER_AGENT: Final = HeaderPicker(frozenset({"user-agent"}))
_NANOSECONDS: Final = 1_000_000_000


class Limits(NamedTuple):
    """Lengths that texts are cut to here, because the SDK writes a warning for each that it cuts."""

    attribute: int
    event: int


class Ended(Protocol):
    """What a span says of a request or a connection that has ended."""

    @property
    def status(self) -> int | None:
        """What it was answered with, if it was."""

    @property
    def error(self) -> BaseException | None:
        """What the application raised."""

    @property
    def started(self) -> float:
        """When it began, in monotonic seconds."""

    @property
    def ended(self) -> float | None:
        """When it ended, in the same."""

    @property
    def outcome(self) -> str:
        """What came of it."""

    def error_type(self) -> str | None:
        """Return what the conventions call the type of the error."""


class ServerSpan:
    """A span that has begun, with the context it is current in."""

    __slots__ = ("context", "limits", "span", "started_ns")

    def __init__(self, span: Span, context: Context, started_ns: int, limits: Limits) -> None:
        self.span = span
        self.context = context
        self.started_ns = started_ns
        self.limits = limits

    def finish(self, exchange: Ended, method: str, route: str) -> None:
        """Say what came of the request, and end at its last byte; call after the exchange was closed."""
        span = self.span
        if not span.is_recording():
            return
        attributes: dict[str, AttributeValue] = {}
        if route != UNMATCHED_ROUTE:
            span.update_name(f"{_name_of(method)} {route}")
            attributes[HTTP_ROUTE] = route[: self.limits.attribute]
        if exchange.status is not None:
            attributes[HTTP_RESPONSE_STATUS_CODE] = exchange.status
        error_type = exchange.error_type()
        if error_type is not None:
            attributes[ERROR_TYPE] = error_type
        span.set_attributes(attributes)
        if exchange.outcome == "server_error":
            span.set_status(StatusCode.ERROR)
        if isinstance(exchange.error, Exception):
            span.add_event("exception", _exception_attributes(exchange.error, self.limits.event))
        seconds = (exchange.ended or exchange.started) - exchange.started
        span.end(self.started_ns + int(seconds * _NANOSECONDS))


class Tracing:
    """Begins SERVER spans.

    Args:
        tracer: Makes the spans.
        propagator: Reads the caller's context.
        trust: Whose context is continued; that of others becomes a link.
        limits: How long texts may be.
        guard: Takes what a propagator raises.
    """

    __slots__ = ("_guard", "_headers", "_limits", "_propagator", "_tracer", "_trust", "around")

    def __init__(
        self, tracer: Tracer, propagator: TextMapPropagator, trust: Trust, limits: Limits, guard: Guard
    ) -> None:
        self.around = Around()
        self._tracer = tracer
        self._limits = limits
        self._propagator = propagator
        self._trust = trust
        self._guard = guard
        self._headers = HeaderPicker(frozenset(propagator.fields) | {"b3"})

    def begin(self, scope: Scope, method: str, send: object) -> ServerSpan | None:
        """Begin the span of a request as a child of its caller, or as the root of a trace.

        Return ``None`` where an instrumentation of OpenTelemetry has begun one further out, which *send* of
        the server may lead through.
        """
        around = get_current()
        outer = get_current_span(around)
        if outer is not INVALID_SPAN and self.around.has_begun(outer, send):
            return None
        # Whatever else happens to be current, as around a server's start, is not the caller of a request.
        alone = around if outer is INVALID_SPAN else set_span_in_context(INVALID_SPAN, around)
        headers = self._headers.pick(scope)
        context = self._extracted(headers, alone)
        links = None
        if context is not alone and not self._trust.trusts(*_peer(scope)):
            caller = get_current_span(context).get_span_context()
            links = [Link(caller)] if caller.is_valid else None
            context = alone
        started_ns = time_ns()
        span = self._tracer.start_span(
            _name_of(method),
            context,
            SpanKind.SERVER,
            _Attributes(scope, method, self._limits.attribute),
            links,
            started_ns,
            record_exception=False,
        )
        return ServerSpan(span, set_span_in_context(span, context), started_ns, self._limits)

    def _extracted(self, headers: dict[str, list[str]], alone: Context) -> Context:
        try:
            return self._propagator.extract(headers, alone, _GETTER)
        except Exception as error:  # noqa: BLE001 -- propagators come from other packages, headers from anyone
            self._guard.failed("traces", error)
            return alone


class _Attributes(Mapping[str, AttributeValue]):
    """The attributes a span begins with, made when they are asked for: of an unsampled one nobody does."""

    __slots__ = ("_found", "_length", "_method", "_scope")

    def __init__(self, scope: Scope, method: str, length: int) -> None:
        self._scope = scope
        self._length = length
        self._method = method
        self._found: dict[str, AttributeValue] | None = None

    def _made(self) -> dict[str, AttributeValue]:
        if self._found is None:
            self._found = _attributes(self._scope, self._method, self._length)
        return self._found

    def items(self) -> ItemsView[str, AttributeValue]:
        """Return them in the form that the SDK reads."""
        return self._made().items()

    def __getitem__(self, key: str) -> AttributeValue:
        return self._made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())


def _peer(scope: Scope) -> tuple[str | None, bool]:
    """Return the address of the caller, and whether it came through a Unix socket."""
    server = scope.get("server")
    # Source: ASGI specification: the port of a server on a Unix socket is None.
    return address(scope.get("client")), server is None or server[1] is None


def _name_of(method: str) -> str:
    # Source: OpenTelemetry HTTP spans: the name of a request with an unknown method begins with HTTP.
    return "HTTP" if method == OTHER_METHOD else method


def _attributes(scope: Scope, method: str, length: int) -> dict[str, AttributeValue]:
    texts = _protocol(scope, method) | {
        URL_PATH: scope.get("path", ""),
        NETWORK_PROTOCOL_VERSION: scope.get("http_version", "1.1"),
    }
    agent = _USER_AGENT.pick(scope)
    if agent:
        texts[USER_AGENT_ORIGINAL] = agent["user-agent"][0]
    client, server = address(scope.get("client")), scope.get("server")
    if client:
        texts[CLIENT_ADDRESS] = client
    if server:
        # The address the server listens on: what the Host header says is the client's choice.
        texts[SERVER_ADDRESS] = server[0]
    attributes: dict[str, AttributeValue] = {name: _cut(text, length) for name, text in texts.items()}
    if server and server[1] is not None:
        attributes[SERVER_PORT] = server[1]
    return attributes


def _protocol(scope: Scope, method: str) -> dict[str, str]:
    if method == WEBSOCKET:
        # Without a method: whoever makes HTTP latencies of spans shall not see connections of hours.
        return {NETWORK_PROTOCOL_NAME: "websocket", URL_SCHEME: scope.get("scheme", "ws")}
    known = {HTTP_REQUEST_METHOD: method, URL_SCHEME: scope.get("scheme", "http")}
    return known | {HTTP_REQUEST_METHOD_ORIGINAL: scope["method"]} if method == OTHER_METHOD else known


def _cut(text: str, length: int) -> str:
    """Return *text* as it can be exported: not too long, and encodable."""
    text = text[:length]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _exception_attributes(error: Exception, length: int) -> dict[str, AttributeValue]:
    # Not Span.record_exception: it calls str(error) unguarded, and raises what that raises.
    told = described(error)
    causes = [f"{cause['type']}: {cause['message']}" for cause in told.get("caused_by", ())]
    return {
        "exception.type": _cut(told["type"], length),
        "exception.message": _cut(redact_text(told["message"]), length),
        "exception.stacktrace": _cut(redact_text("\n".join([*told["frames"], *causes])), length),
    }
