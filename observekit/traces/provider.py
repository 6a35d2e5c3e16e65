"""The tracer provider: OpenTelemetry's own, made from the configuration."""

import os
from importlib.metadata import version
from struct import Struct
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    Span,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)

from observekit.config import Config
from observekit.guard import Guard, in_forked_child

# Ids that are fetched stand in memory, and a snapshot of a virtual machine (SnapStart, CRIU) that is restored
# twice makes each of them twice: so those of ten requests, and not of hundreds.
# Source: getrandom(2) gives up to 256 bytes in one piece, whatever signals come.
_WORDS: Final = Struct("<32Q")


class SystemIds(IdGenerator):
    """Ids from the operating system's entropy.

    The SDK takes them from the global random generator: two services that call ``random.seed(42)``
    then make the same ids, and so do forked children.
    """

    def __init__(self) -> None:
        self._renew()
        in_forked_child(self._renew)

    def _renew(self) -> None:
        """Begin with nothing, also in a forked child, which must not make the ids that its parent makes."""
        self._ready: list[int] = []

    def generate_span_id(self) -> int:
        """Return 64 random bits that are not all zero."""
        return self._word() or 1

    def generate_trace_id(self) -> int:
        """Return 128 random bits that are not all zero."""
        return self._word() << 64 | self._word() or 1

    def _word(self) -> int:
        """Return 64 random bits that nobody else gets."""
        # Fetched by the dozen: asking the system for each took a tenth of what an unsampled request paid.
        while True:
            try:
                return self._ready.pop()  # In one step, so that threads and signal handlers share none.
            except IndexError:
                self._ready.extend(_WORDS.unpack(os.urandom(_WORDS.size)))

    def is_trace_id_random(self) -> bool:
        """Say that the random flag of W3C Trace Context level 2 may be set."""
        return True


class GuardedProcessors(SynchronousMultiSpanProcessor):
    """The processors of a provider, those that users add among them; one that raises hurts nobody.

    The SDK lets it raise where a span begins or ends, which is in the middle of the user's code.
    """

    def __init__(self, guard: Guard) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._guard = guard

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Tell all of them that a span has begun."""
        for processor in self._span_processors:
            try:
                processor.on_start(span, parent_context)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Tell all of them that a span has ended."""
        for processor in self._span_processors:
            try:
                processor.on_end(span)
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)

    def shutdown(self) -> None:
        """End all of them."""
        for processor in self._span_processors:
            try:
                processor.shutdown()
            except Exception as error:  # noqa: BLE001 -- processors are the user's
                self._guard.failed("traces", error)


def make_provider(
    config: Config, resource: dict[str, str], processor: SpanProcessor | None, guard: Guard
) -> TracerProvider:
    """Return a provider that hands ended spans to *processor*; what others raise goes to *guard*."""
    provider = TracerProvider(
        sampler=_sampler(config),
        resource=Resource(
            {
                "telemetry.sdk.language": "python",
                "telemetry.sdk.name": "opentelemetry",
                "telemetry.sdk.version": version("opentelemetry-sdk"),
                **resource,
            }
        ),
        shutdown_on_exit=False,  # Kit.shutdown() ends everything within one budget.
        id_generator=SystemIds(),
        span_limits=_limits(config),
        active_span_processor=GuardedProcessors(guard),
    )
    if processor is not None:
        provider.add_span_processor(processor)
    return provider


def _sampler(config: Config) -> Sampler:
    kind = config.traces_sampler.removeprefix("parentbased_")
    root: Sampler = TraceIdRatioBased(config.traces_sample_ratio)
    if kind != "traceidratio":
        root = ALWAYS_ON if kind == "always_on" else ALWAYS_OFF
    return ParentBased(root) if config.traces_sampler.startswith("parentbased_") else root


def _limits(config: Config) -> SpanLimits:
    return SpanLimits(
        max_attributes=config.span_attribute_limit,
        max_events=config.span_event_limit,
        max_links=config.span_link_limit,
        max_span_attributes=config.span_attribute_limit,
        max_event_attributes=config.event_attribute_limit,
        max_link_attributes=config.link_attribute_limit,
        max_attribute_length=config.event_attribute_length_limit,
        max_span_attribute_length=config.span_attribute_length_limit,
    )
