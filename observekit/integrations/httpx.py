"""httpx: trace context and CLIENT spans for outgoing requests, by OpenTelemetry's instrumentation."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def instrument() -> Any:
    """Instrument httpx if it and its instrumentation are installed; return what undoes it."""
    if find_spec("httpx") is None or find_spec("opentelemetry.instrumentation.httpx") is None:
        return None
    instrumentor = import_module("opentelemetry.instrumentation.httpx").HTTPXClientInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        return None  # Somebody did before us, and it is his to undo.
    instrumentor.instrument()
    return instrumentor
