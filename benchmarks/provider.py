"""OpenTelemetry as its documentation sets it up: SDK, batch processor, OTLP over HTTP."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from benchmarks.choice import Choice


def set_provider(choice: Choice) -> None:
    """Set the global tracer provider."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(choice.ratio)),
        resource=Resource.create({"service.name": "bench"}),
    )
    exporter = OTLPSpanExporter(endpoint=choice.endpoint)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=choice.queue_size))
    trace.set_tracer_provider(provider)
