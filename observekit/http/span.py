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
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from observekit.asgi import Scope
from observekit.correlation import SPAN_KEY
from observekit.guard import Guard
from observekit.http.attributes import Ending, first_attributes, last_attributes, name_of, shown
from observekit.http.contrib import Around
from observekit.http.headers import HeaderPicker
from observekit.http.ids import ids_of
from observekit.http.signals import address
from observekit.redaction import redact_text
from observekit.semconv import UNMATCHED_ROUTE
from observekit.traces.exceptions import exception_attributes
from observekit.traces.propagation import HeaderGetter, HeadersOnly
from observekit.traces.trust import Trust

_GETTER: Final = HeaderGetter()
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


class Written(Protocol):
    """Writes spans that nobody has looked at, without making anything else of them."""

    def write(self, span: object, scope: Scope, path: str, ending: Ending) -> bool:
        """End *span* and hand it on; say whether that was possible."""


class ServerSpan:
    """A span that has begun, with the context that it is to be current in."""

    __slots__ = ("_arrived", "_ids", "_limits", "_started_ns", "_written", "context", "span")

    def __init__(
        self, span: Span, context: Context, arrived: "_Arrived", started_ns: int, how: "_How"
    ) -> None:
        self.span = span
        self.context = context
        self._arrived = arrived
        self._started_ns = started_ns
        self._limits, self._written = how
        self._ids: dict[str, str] | None = None

    def ids(self) -> dict[str, str]:
        """Return its ids as they are logged; written out once."""
        if self._ids is None:
            self._ids = ids_of(self.span.get_span_context())
        return self._ids

    def finish(self, exchange: Ended, method: str, route: str) -> None:
        """Say what came of the request, and end at its last byte; call after the exchange was closed."""
        span = self.span
        if not span.is_recording():
            return
        seconds = (exchange.ended or exchange.started) - exchange.started
        ending = Ending(
            method,
            route,
            exchange.status,
            exchange.error_type(),
            exchange.outcome == "server_error",
            self._started_ns + int(seconds * _NANOSECONDS),
        )
        error = exchange.error
        if error is None and self._written is not None and self._written.write(span, *self._arrived, ending):
            return
        if route != UNMATCHED_ROUTE:
            span.update_name(ending.name)
        span.set_attributes(last_attributes(ending, self._limits.attribute))
        if ending.failed:
            span.set_status(StatusCode.ERROR)
        if isinstance(error, Exception):
            span.add_event("exception", _told(error, self._limits.event))
        span.end(ending.ended_ns)


_Arrived = tuple[Scope, str]
"""A request: its scope, and the path in it before anybody has changed that."""


class _How(NamedTuple):
    """How spans are written."""

    limits: Limits
    written: Written | None


class Tracing:
    """Begins SERVER spans.

    Args:
        tracer: Makes the spans.
        propagator: Reads the caller's context.
        trust: Whose context is continued; that of others becomes a link.
        limits: How long texts may be.
        guard: Takes what a propagator raises.
        written: Writes spans that nobody has looked at; without it, they take the way of all others.
    """

    __slots__ = (
        "_asks_always",
        "_guard",
        "_headers",
        "_how",
        "_late",
        "_propagator",
        "_tracer",
        "_trust",
        "around",
    )

    def __init__(
        self,
        tracer: Tracer,
        propagator: TextMapPropagator,
        trust: Trust,
        limits: Limits,
        guard: Guard,
        written: Written | None = None,
    ) -> None:
        self.around = Around()
        self._tracer = tracer
        self._how = _How(limits, written)
        self._propagator = propagator
        self._trust = trust
        self._guard = guard
        self._late = getattr(tracer, "start_late", None)
        # Those of other packages may look elsewhere than in headers, as one of AWS does in the environment.
        self._asks_always = not isinstance(propagator, HeadersOnly)
        self._headers = HeaderPicker(frozenset(propagator.fields) | {"b3"})

    def begin(self, scope: Scope, method: str, send: object) -> ServerSpan | None:
        """Begin the span of a request as a child of its caller, or as the root of a trace.

        Return ``None`` where an instrumentation of OpenTelemetry has begun one further out, which *send* of
        the server may lead through.
        """
        around = get_current()
        outer = around.get(SPAN_KEY)
        alone = around
        if outer is not None and outer is not INVALID_SPAN:
            if self.around.has_begun(get_current_span(around), send):
                return None
            # Whatever else happens to be current, as around a server's start, is not the caller of a request.
            alone = set_span_in_context(INVALID_SPAN, around)
        headers = self._headers.pick(scope)
        context, caller, links = alone, None, None
        if headers or self._asks_always:
            context, caller, links = self._of_caller(scope, headers, alone)
        started_ns, arrived = time_ns(), (scope, scope.get("path", ""))
        if self._late is not None:
            later = (first_attributes, *arrived, method, self._how.limits.attribute)
            span = self._late(name_of(method), caller, context, links, started_ns, later)
        else:
            span = self._span(arrived, method, context, links, started_ns)
        return ServerSpan(span, context, arrived, started_ns, self._how)

    def _of_caller(
        self, scope: Scope, headers: dict[str, list[str]], alone: Context
    ) -> tuple[Context, SpanContext | None, list[Link] | None]:
        """Return the context of a request, the caller it continues, and links to one that it does not."""
        trusted = self._trust.trusts(*_peer(scope), scope.get("headers", ()))
        if not trusted:
            headers.pop("baggage", None)  # To read what is not taken over only costs.
        context = self._extracted(headers, alone)
        if context is alone:
            return alone, None, None
        caller = _valid(get_current_span(context).get_span_context())
        if trusted:
            return context, caller, None
        return alone, None, [] if caller is None else [Link(caller)]

    def _span(
        self, arrived: "_Arrived", method: str, context: Context, links: list[Link] | None, started_ns: int
    ) -> Span:
        attributes = _Attributes(arrived, method, self._how.limits.attribute)
        return self._tracer.start_span(
            name_of(method),
            context,
            SpanKind.SERVER,
            attributes,
            links,
            started_ns,
            record_exception=False,
        )

    def _extracted(self, headers: dict[str, list[str]], alone: Context) -> Context:
        try:
            return self._propagator.extract(headers, alone, _GETTER)
        except Exception as error:  # noqa: BLE001 -- propagators come from other packages, headers from anyone
            self._guard.failed("traces", error)
            return alone


class _Attributes(Mapping[str, AttributeValue]):
    """The attributes a span begins with, made when they are asked for: of an unsampled one nobody does."""

    __slots__ = ("_arrived", "_found", "_length", "_method")

    def __init__(self, arrived: "_Arrived", method: str, length: int) -> None:
        self._arrived = arrived
        self._length = length
        self._method = method
        self._found: dict[str, AttributeValue] | None = None

    def _made(self) -> dict[str, AttributeValue]:
        if self._found is None:
            self._found = first_attributes(*self._arrived, self._method, self._length)
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


def _valid(context: SpanContext) -> SpanContext | None:
    return context if context.is_valid else None


def _told(error: Exception, length: int) -> dict[str, AttributeValue]:
    return {name: shown(redact_text(told), length) for name, told in exception_attributes(error).items()}
