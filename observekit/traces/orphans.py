"""Spans whose parent is long gone: a task that was started in a request, and goes on without it."""

from collections.abc import Callable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span

# Source: a request is over in seconds, and so is what it has started; what is not has a life of its own.
_LONG_NANOSECONDS: Final = 60 * 1_000_000_000


class Orphans(SpanProcessor):
    """Counts spans that begin over a minute after their parent has ended."""

    def __init__(self, found: Callable[[], None]) -> None:
        self._found = found

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Look when the parent has ended; one of another process is none of ours."""
        ended = getattr(get_current_span(parent_context), "end_time", None)
        if ended is not None and span.start_time is not None and span.start_time - ended > _LONG_NANOSECONDS:
            self._found()

    def on_end(self, span: ReadableSpan) -> None:
        """Do nothing; what counts is the beginning."""
