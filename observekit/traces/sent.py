"""Whether a span is sent, for those who point at it: an exemplar of a trace that nobody has is a dead end."""

from typing import Final

from opentelemetry.trace import SpanContext

KEPT: Final = "_observekit_kept"
"""Attribute of an ended span that was not sampled, and is sent all the same."""

_SAMPLED: Final = 1


def is_sent(span: object, context: SpanContext) -> bool:
    """Whether an ended span of *context* is sent, because it was sampled or kept."""
    return bool(context.trace_flags & _SAMPLED) or hasattr(span, KEPT)
