"""Spans that are sent with a word on why: by a sampler, or because they turned out to matter."""

from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.util.types import AttributeValue

SAMPLED_BY: Final = "observekit.sampled_by"
"""Why a span was sent: ``head`` where a sampler said so when it began, else ``error`` or ``slow``.

Whoever counts spans must leave those out that were kept, or count them apart: they are no fair sample.
"""
MISSING: Final = "observekit.spans_missing"
"""On a root that was kept: how many spans below it are not sent, because there was no room to hold them."""

_SAMPLED: Final = 1


class ToldSpan(ReadableSpan):
    """A span as it was, and what is said about it."""

    _left_out: tuple[int, int, int]

    @property
    def dropped_attributes(self) -> int:
        """How many attributes found no room."""
        return self._left_out[0]

    @property
    def dropped_events(self) -> int:
        """How many events found no room."""
        return self._left_out[1]

    @property
    def dropped_links(self) -> int:
        """How many links found no room."""
        return self._left_out[2]


def told(span: ReadableSpan, decision: str, missing: int = 0) -> ReadableSpan:
    """Return *span* as sampled, by what, and how many spans below it are not sent."""
    said: dict[str, AttributeValue] = {SAMPLED_BY: decision}
    if missing:
        said[MISSING] = missing
    made = ToldSpan(
        name=span.name,
        context=_sampled(span.context),
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), **said},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
    made._left_out = (span.dropped_attributes, span.dropped_events, span.dropped_links)  # noqa: SLF001 -- ours
    return made


def _sampled(context: SpanContext | None) -> SpanContext | None:
    if context is None or context.trace_flags & _SAMPLED:
        return context
    flags = TraceFlags(context.trace_flags | _SAMPLED)
    return SpanContext(context.trace_id, context.span_id, context.is_remote, flags, context.trace_state)
