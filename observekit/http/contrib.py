"""OpenTelemetry's own instrumentations further out: they leave no mark in the scope of a connection."""

from types import FunctionType, MethodType
from typing import Any, Final

from opentelemetry.trace import Span, SpanKind

_MODULES: Final = "opentelemetry.instrumentation."
# What middleware calls the function that it passes messages on with.
_NAMES: Final = ("send", "_send")
# More than there are middlewares around an application.
_STEPS: Final = 64


def has_begun(span: Span, send: object) -> bool:
    """Whether *span* is that of a request, and theirs; *send* is what the connection is answered through.

    A span that records says whose it is. One that is not sampled says nothing: it is theirs if the answer
    goes through them, and may else be anything, such as a span around the whole server.
    """
    if getattr(span, "kind", None) is SpanKind.SERVER:
        scope = getattr(span, "instrumentation_scope", None)
        return scope is not None and str(scope.name).startswith(_MODULES)
    if span.is_recording():
        return False
    context = span.get_span_context()
    return context.is_valid and not context.is_remote and _leads_through(send)


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
