"""What a response says of its trace, so that whoever has the answer can name the trace."""

from collections.abc import Callable
from typing import Final

from opentelemetry.trace import SpanContext

from observekit.asgi import Message

RawHeaders = list[tuple[bytes, bytes]]
Tells = Callable[[SpanContext], RawHeaders]

# Source: W3C Trace Context level 2 draft, section 3.4: the format is that of traceparent.
_RESPONSE: Final = b"traceresponse"
_TIMING: Final = b"server-timing"


def tells(*, response: bool, timing: bool) -> Tells | None:
    """Return what makes the headers of a response from its span; ``None`` where there are none.

    Args:
        response: Whether there is a ``traceresponse``.
        timing: Whether ``Server-Timing`` says it too, which scripts in a browser can read.
    """
    if not response and not timing:
        return None

    def headers(span: SpanContext) -> RawHeaders:
        text = b"00-%032x-%016x-%02x" % (span.trace_id, span.span_id, span.trace_flags)
        found = [(_RESPONSE, text)] if response else []
        return [*found, (_TIMING, b'traceparent;desc="%s"' % text)] if timing else found

    return headers


def with_headers(start: Message, more: RawHeaders) -> Message:
    """Return the start of a response with *more* headers; what cannot be read is returned as it is."""
    try:
        headers = [(name, value) for name, value in start.get("headers", ())]
        if any(bytes(name).lower() == _RESPONSE for name, _ in headers):
            return start  # Somebody further in has said it.
    except (TypeError, ValueError):
        return start  # Between the application and its server.
    return {**start, "headers": [*headers, *more]}
