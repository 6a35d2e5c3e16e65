"""OpenTelemetry's own instrumentations further out: they leave no mark in the scope of a connection."""

from collections import deque
from types import FunctionType, MethodType
from typing import Any, Final

from opentelemetry.trace import INVALID_SPAN, Span, SpanContext, SpanKind, get_current_span

_MODULES: Final = "opentelemetry.instrumentation."
# What middleware calls the function that it passes messages on with.
_NAMES: Final = ("send", "_send")
# More than there are middlewares around an application.
_STEPS: Final = 64
# More than there are applications that one process serves at a time.
_SERVERS: Final = 16


class Around:
    """Tells the span of a request that others have begun from a span that a server happens to run in."""

    __slots__ = ("_servers",)

    def __init__(self) -> None:
        self._servers: deque[SpanContext] = deque(maxlen=_SERVERS)

    def note_server(self) -> None:
        """Note the span that is current when an application is first served: it is that of no request."""
        current = get_current_span()
        if current is not INVALID_SPAN:
            self._servers.append(current.get_span_context())

    def has_begun(self, span: Span, send: object) -> bool:
        """Whether *span* is that of a request; *send* is what the connection is answered through.

        A span that records says whose it is. One that is not sampled says nothing: it is a request's if the
        answer goes through OpenTelemetry's middleware, or if it was not there when the server began; other
        middleware may pass the answer on through a queue, where nobody sees who is further out.
        """
        if getattr(span, "kind", None) is SpanKind.SERVER:
            scope = getattr(span, "instrumentation_scope", None)
            return scope is not None and str(scope.name).startswith(_MODULES)
        if span.is_recording():
            return False
        context = span.get_span_context()
        if not context.is_valid or context.is_remote:
            return False
        return context not in self._servers or _leads_through(send)


def _leads_through(send: object) -> bool:
    pending = [send]
    for _ in range(_STEPS):
        if not pending:
            return False
        one: Any = pending.pop()
        if isinstance(one, MethodType):
            pending.extend(getattr(one.__self__, name, None) for name in _NAMES)
        elif isinstance(one, FunctionType):
            # Not __module__, which wraps() makes that of the function within.
            if str(one.__globals__.get("__name__")).startswith(_MODULES):
                return True
            pending.extend(_enclosed(one))
    return False


def _enclosed(function: FunctionType) -> list[object]:
    """Return the functions that *function* has from where it was made."""
    found: list[object] = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # Not assigned yet.
            continue
        if isinstance(value, FunctionType | MethodType):
            found.append(value)
    return found
