"""The processors of a provider, those that users add among them; one that raises hurts nobody."""

from collections.abc import Iterator

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, SynchronousMultiSpanProcessor

from observekit.guard import Guard


class Processors(SynchronousMultiSpanProcessor):
    """Hands spans to all processors; the SDK lets one raise in the middle of the user's code.

    Attributes:
        watched: Whether any of them wants to see a span before it ends.
        alone: The one processor, where there is one only.
    """

    def __init__(self, guard: Guard) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the SDK's
        self._guard = guard
        self.watched = False
        self.alone: SpanProcessor | None = None

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add one to those that are told."""
        super().add_span_processor(span_processor)
        known = self._span_processors
        self.watched = any(_watches(one) for one in known)
        self.alone = known[0] if len(known) == 1 else None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Tell all of them that a span has begun."""
        for processor in self._span_processors:
            try:
                processor.on_start(span, parent_context)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Tell all of them that a span has ended."""
        if self.watched and isinstance(span, Span):
            self._on_ending(span)
        for processor in self._span_processors:
            try:
                processor.on_end(span)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)

    def _on_ending(self, span: Span) -> None:
        for processor in self._span_processors:
            try:
                # Older SDKs do not have it.
                getattr(processor, "_on_ending", _nothing)(span)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)

    def shutdown(self) -> None:
        """End all of them."""
        for _ in self.endings():
            pass

    def is_alone(self, one: object) -> bool:
        """Whether *one* is the only processor."""
        return self.alone is one

    def others(self, than: SpanProcessor | None) -> bool:
        """Whether there is any processor besides *than*."""
        return any(one is not than for one in self._span_processors)

    def endings(self) -> Iterator[SpanProcessor]:
        """End them one after the other, and yield each that has ended."""
        for processor in self._span_processors:
            try:
                processor.shutdown()
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)
            yield processor


def _nothing(_: Span) -> None:
    """Do nothing, where a processor does not want to be asked."""


def _watches(processor: SpanProcessor) -> bool:
    kind = type(processor)
    return kind.on_start is not SpanProcessor.on_start or getattr(kind, "_on_ending", None) is not getattr(
        SpanProcessor, "_on_ending", None
    )
