"""What a response says of its trace, so that whoever has the answer can name the trace."""

from collections.abc import Callable, Mapping
from typing import Final

from observekit.asgi import Message

RawHeaders = list[tuple[bytes, bytes]]
Tells = Callable[[Mapping[str, str]], RawHeaders]
"""Returns headers for the ids of a trace, as they are logged."""

# Source: W3C Trace Context level 2 draft, section 3.4: the format is that of traceparent.
_RESPONSE: Final = b"traceresponse"
_RESPONSE_LENGTH: Final = len(_RESPONSE)
_TIMING: Final = b"server-timing"


def tells(*, response: bool, timing: bool) -> Tells | None:
    """Return what makes the headers of a response from its ids; ``None`` where there are none.

    Args:
        response: Whether there is a ``traceresponse``.
        timing: Whether ``Server-Timing`` says it too, which scripts in a browser can read.
    """
    if not response and not timing:
        return None

    def headers(ids: Mapping[str, str]) -> RawHeaders:
        if not ids:
            return []
        text = f"00-{ids['trace_id']}-{ids['span_id']}-{ids['trace_flags']}".encode()
        if not timing:
            return [(_RESPONSE, text)]
        found = [(_RESPONSE, text)] if response else []
        return [*found, (_TIMING, b'traceparent;desc="%s"' % text)]

    return headers


def with_headers(start: Message, more: RawHeaders) -> Message:
    """Return the start of a response with *more* headers; what cannot be read is returned as it is."""
    try:
        headers = list(start.get("headers", ()))
        for name, _ in headers:
            if len(name) == _RESPONSE_LENGTH and bytes(name).lower() == _RESPONSE:
                return start  # Somebody further in has said it.
    except (TypeError, ValueError):
        return start  # Between the application and its server.
    return {**start, "headers": [*headers, *more]}
