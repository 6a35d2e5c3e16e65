"""Outgoing requests of httpx carry the trace on, as CLIENT spans without what may be secret."""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from observekit import instrument, setup
from tests.often import often

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

Serve = Callable[[Any], str]
LONG = 30.0
"""Seconds that nothing here takes: the 5 that httpx waits by itself are few on a busy machine."""


def back() -> Starlette:
    """A service that says what it was sent."""

    async def echo(request: Request) -> Response:
        return JSONResponse({"headers": dict(request.headers), "baggage": dict(baggage.get_all())})

    return Starlette(routes=[Route("/echo/{word}", echo)])


def front(url: str, *, asynchronous: bool) -> Starlette:
    """A service that asks another."""

    async def ask(request: Request) -> Response:
        async with httpx.AsyncClient(timeout=LONG) as client:
            answer = await client.get(f"{url}/echo/hello?token=hunter2")
        return JSONResponse(answer.json())

    def ask_in_thread(request: Request) -> Response:
        with httpx.Client(timeout=LONG) as client:
            return JSONResponse(client.get(f"{url}/echo/hello?token=hunter2").json())

    return Starlette(routes=[Route("/ask", ask if asynchronous else ask_in_thread)])


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_request_to_another_service_is_one_trace(
    observed: "Observed", serve: Serve, asynchronous: bool
) -> None:
    behind = back()
    instrument(behind)
    before = front(serve(behind), asynchronous=asynchronous)
    instrument(before)

    answer = httpx.get(f"{serve(before)}/ask", timeout=LONG).json()

    spans = {(span.kind, span.name): span for span in observed.spans_until(4)}
    entry, client = spans[SpanKind.SERVER, "GET /ask"], observed.spans(SpanKind.CLIENT)[0]
    inner = spans[SpanKind.SERVER, "GET /echo/{word}"]
    assert client.parent == entry.context
    assert inner.parent is not None
    assert client.context is not None
    assert inner.parent.span_id == client.context.span_id
    assert inner.parent.trace_id == client.context.trace_id
    assert answer["headers"]["traceparent"].split("-")[2] == f"{client.context.span_id:016x}"


def test_a_client_span_has_the_stable_names_and_no_query(
    observe: "Callable[..., Observed]", serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_OpenTelemetrySemanticConventionStability, "_initialized", False)
    observed = observe()
    url = serve(back())

    httpx.get(f"{url}/echo/hello?token=hunter2#part", timeout=LONG)

    (span,) = observed.spans(SpanKind.CLIENT)
    assert span.attributes is not None
    assert span.attributes["url.full"] == f"{url}/echo/hello"
    assert span.attributes["http.request.method"] == "GET"
    assert span.attributes["http.response.status_code"] == 200
    assert "hunter2" not in span.to_json()
    assert not [name for name in span.attributes if name in {"http.url", "http.method", "http.status_code"}]
    assert "OTEL_SEMCONV_STABILITY_OPT_IN" not in os.environ


def test_baggage_of_a_trusted_caller_reaches_the_service_it_asks(observed: "Observed", serve: Serve) -> None:
    url = serve(back())
    token = context.attach(baggage.set_baggage("tenant", "acme and sons"))

    try:
        answer = httpx.get(f"{url}/echo/hello", timeout=LONG).json()
    finally:
        context.detach(token)

    assert answer["headers"]["baggage"] == "tenant=acme%20and%20sons"


@pytest.mark.often
def test_without_a_kit_httpx_and_opentelemetry_are_as_before() -> None:
    before = _globals()

    for _ in range(often(100)):
        kit = setup(registry=CollectorRegistry(), logs="off", traces_endpoint="http://127.0.0.1:9/v1/traces")
        during = _globals()
        kit.shutdown()
        assert _globals() == before
        assert during != before

    assert before[1] is propagate.get_global_textmap()


def _globals() -> tuple[Any, ...]:
    return (
        trace.get_tracer_provider(),
        propagate.get_global_textmap(),
        vars(httpx.HTTPTransport)["handle_request"],
        vars(httpx.AsyncHTTPTransport)["handle_async_request"],
    )


def test_who_has_instrumented_httpx_before_keeps_it(observe: "Callable[..., Observed]") -> None:
    HTTPXClientInstrumentor().instrument()
    theirs = vars(httpx.HTTPTransport)["handle_request"]
    try:
        observe().kit.shutdown()

        assert vars(httpx.HTTPTransport)["handle_request"] is theirs
    finally:
        HTTPXClientInstrumentor().uninstrument()


def test_a_trace_begun_by_the_service_itself_goes_on(observed: "Observed", serve: Serve) -> None:
    behind = back()
    instrument(behind)
    url = serve(behind)

    async def ask() -> None:
        with trace.get_tracer("theirs").start_as_current_span("job"):
            async with httpx.AsyncClient(timeout=LONG) as client:
                await client.get(f"{url}/echo/hello")

    asyncio.run(ask())

    spans = observed.spans_until(3)
    assert {span.kind for span in spans} == {SpanKind.SERVER, SpanKind.CLIENT, SpanKind.INTERNAL}
    assert len({span.context.trace_id for span in spans if span.context is not None}) == 1
