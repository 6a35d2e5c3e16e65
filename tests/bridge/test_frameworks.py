"""Frameworks and instrumentations that measure requests themselves, beside observekit."""

import asyncio
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import metrics

from observekit import ObserveMiddleware, instrument

if TYPE_CHECKING:
    from tests.bridge.conftest import Service

Make = Callable[..., "Service"]


def _app() -> Any:
    app = FastAPI()

    @app.get("/items/{item}")
    async def show(item: str) -> str:
        return item

    return app


def _ask(app: Any) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://shop.test"
        ) as client:
            await client.get("/items/7")

    asyncio.run(ask())


def _requests(service: "Service") -> list[tuple[str, float]]:
    samples = service.page()["http_server_request_duration_seconds"].samples
    counts = [sample for sample in samples if sample.name.endswith("_count")]
    return [(sample.labels["http_route"], sample.value) for sample in counts if sample.value]


@pytest.mark.parametrize("traces", [True, False])
def test_an_instrumented_fastapi_application_measures_its_requests_once(serve: Make, traces: bool) -> None:
    service = serve(traces=traces)
    app = _app()
    instrument(app)

    _ask(app)

    assert _requests(service) == [("/items/{item}", 1.0)]
    assert service.left_out() == {}


def test_where_metrics_are_off_no_framework_begins_to_measure(serve: Make) -> None:
    before = metrics.get_meter_provider()

    serve(metrics=False)

    assert metrics.get_meter_provider() is before


def test_a_wrapped_fastapi_application_measures_its_requests_once(serve: Make) -> None:
    service = serve()
    app = _app()
    own = hasattr(app, "_telemetry")  # FastAPI measures since 0.142.

    _ask(ObserveMiddleware(app))

    assert _requests(service) == [("/items/{item}", 1.0)]
    assert service.left_out() == ({"observekit": 2.0} if own else {})


@pytest.mark.usefixtures("stable_names")
def test_contribs_middleware_does_not_double_the_requests(serve: Make) -> None:
    contrib = pytest.importorskip("opentelemetry.instrumentation.asgi")
    service = serve()
    app = _app()
    instrument(app)

    _ask(contrib.OpenTelemetryMiddleware(app))

    assert _requests(service) == [("/items/{item}", 1.0)]
    assert service.left_out() == {"observekit": 2.0}


@pytest.mark.usefixtures("stable_names")
def test_contribs_client_metrics_are_on_the_page(serve: Make, neighbour: str) -> None:
    pytest.importorskip("opentelemetry.instrumentation.httpx")
    service = serve(traces=True)

    httpx.get(neighbour, trust_env=False)

    samples = service.page()["http_client_request_duration_seconds"].samples
    (count,) = [sample for sample in samples if sample.name.endswith("_count")]
    asked = ("http_request_method", "http_response_status_code", "otel_scope_name")
    assert [count.labels[name] for name in asked] == ["GET", "200", "opentelemetry.instrumentation.httpx"]
    assert count.value == 1.0


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def neighbour() -> Iterator[str]:
    """Serve another service on loopback; returns where."""
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def stable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let instrumentations choose the stable names, which they do once in the life of a process."""
    conventions = pytest.importorskip("opentelemetry.instrumentation._semconv")
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    monkeypatch.setattr(conventions._OpenTelemetrySemanticConventionStability, "_initialized", False)
