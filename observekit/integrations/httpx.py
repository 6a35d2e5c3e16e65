"""httpx: trace context and CLIENT spans for outgoing requests, by OpenTelemetry's instrumentation."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

_CONVENTIONS: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
# The stable name, and the one that the instrumentation uses where the variable asks for the old conventions.
_URLS: Final = ("url.full", "http.url")


def instrument() -> Callable[[], object] | None:
    """Instrument httpx if it and its instrumentation are installed; return what undoes it."""
    if find_spec("httpx") is None or find_spec("opentelemetry.instrumentation.httpx") is None:
        return None
    instrumentor = import_module("opentelemetry.instrumentation.httpx").HTTPXClientInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        return None  # Somebody did before us, and it is his to undo.
    with _stable_conventions():
        instrumentor.instrument(request_hook=_without_query, async_request_hook=_without_query_async)
    undo: Callable[[], object] = instrumentor.uninstrument
    return undo if instrumentor.is_instrumented_by_opentelemetry else None


@contextmanager
def _stable_conventions() -> Iterator[None]:
    """Let instrumentations choose the stable names, unless the variable says something else.

    They read it once in the life of a process, when the first of them begins.
    """
    chosen = _CONVENTIONS in os.environ
    if not chosen:
        os.environ[_CONVENTIONS] = "http"
    try:
        yield
    finally:
        if not chosen:
            del os.environ[_CONVENTIONS]


def _without_query(span: Any, _request: Any) -> None:
    """Take out of a CLIENT span what may hold secrets: everything in the URL from its query on."""
    if not span.is_recording():
        return
    for name in _URLS:
        url = (span.attributes or {}).get(name)
        if isinstance(url, str):
            span.set_attribute(name, url.partition("?")[0].partition("#")[0])


async def _without_query_async(span: Any, request: Any) -> None:
    _without_query(span, request)
