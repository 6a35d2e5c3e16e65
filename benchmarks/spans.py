"""CPU time of a child span of OpenTelemetry's API that is sent, beside the SDK's.

``python -m benchmarks.spans ROUNDS``: both providers in one process, each round in another order.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from random import Random
from time import process_time
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.util.types import Attributes
from prometheus_client import CollectorRegistry

from benchmarks.child import Measured, tell
from benchmarks.choice import QUEUE_SIZE
from benchmarks.drive import flushed
from benchmarks.processes import arrived, endpoint, sink
from observekit import Kit, setup

_SPANS = 2048
_SEED = 20_26
_MICROSECONDS = 1e6
_ATTRIBUTES: Attributes = {
    "db.system.name": "postgresql",
    "db.operation.name": "SELECT",
    "db.collection.name": "orders",
    "db.namespace": "shop",
    "server.address": "database",
    "server.port": 5432,
}


def kit_of(url: str) -> Kit:
    """Return a kit that sends spans to *url*."""
    return setup(
        registry=CollectorRegistry(),
        logs="off",
        traces_endpoint=url,
        span_queue_size=QUEUE_SIZE,
        # Whoever asks the collector how many spans came would make more of them.
        disabled_instrumentations=("*",),
    )


def theirs(url: str) -> TracerProvider:
    """Return the SDK's provider, with its batch processor and its exporter to *url*."""
    exporter: Any = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter(endpoint=url), max_queue_size=QUEUE_SIZE))
    return provider


def make(tracer: Tracer) -> None:
    """Make and end 2,048 spans."""
    with tracer.start_as_current_span("root"):
        for _ in range(_SPANS - 1):
            with tracer.start_as_current_span(
                "SELECT orders", kind=SpanKind.CLIENT, attributes=_ATTRIBUTES
            ) as span:
                span.set_attribute("db.response.returned_rows", 3)


def _time(provider: Any, all_arrived: Callable[[], int]) -> float:
    tracer = provider.get_tracer("child")
    started = process_time()
    make(tracer)
    flushed(provider.force_flush)
    seconds = process_time() - started
    spans = all_arrived()
    if spans != _SPANS:
        raise RuntimeError(f"{spans} spans arrived, but {_SPANS} were made.")
    return seconds / _SPANS * _MICROSECONDS


def children(rounds: int) -> Measured:
    """Return the CPU microseconds of a child span, ours and the SDK's."""
    order = Random(_SEED)  # noqa: S311 -- the same order in every run
    found: Measured = {"child-ours": [], "child-sdk": []}
    with sink() as url:
        kit = kit_of(endpoint(url, "child-ours"))
        providers: dict[str, Any] = {
            "child-ours": trace.get_tracer_provider(),
            "child-sdk": theirs(endpoint(url, "child-sdk")),
        }
        for number in range(rounds + 1):  # The first to warm up.
            for name in order.sample(list(found), len(found)):
                taken = _time(providers[name], lambda name=name: arrived(url, name))  # type: ignore[misc]  # bound now
                if number:
                    found[name].append(taken)
        kit.shutdown()
        providers["child-sdk"].shutdown()
    return found


def main() -> None:
    """Measure as often as the arguments say."""
    tell(children(int(sys.argv[1])))


if __name__ == "__main__":
    main()
