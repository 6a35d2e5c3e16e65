"""A service whose libraries measure through OpenTelemetry's API, and the page that it shows."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from observekit import Kit, ObserveMiddleware, setup

Series = dict[tuple[str, ...], float]


class Service:
    """A kit, and what its metrics page says."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.meter = metrics.get_meter("shop", "1.2")

    def page(self) -> dict[str, Metric]:
        """Return the families of the page by name, as Prometheus asks for them."""
        text = asyncio.run(_scrape(ObserveMiddleware(_nothing)))
        found = list(text_string_to_metric_families(text))
        assert len({family.name for family in found}) == len(found)
        return {family.name: family for family in found}

    def lines(self, family: str) -> dict[str, float]:
        """Return the values of a family by the series as one text, without the scope."""
        shown = {}
        for sample in self.page()[family].samples:
            labels = {name: text for name, text in sample.labels.items() if not name.startswith("otel_scope")}
            shown[sample.name + "".join(f" {name}={text}" for name, text in sorted(labels.items()))] = (
                sample.value
            )
        return shown

    def left_out(self) -> dict[str, float]:
        """Return how many metrics are left out for each reason that there is."""
        self.page()  # Which is when it becomes known.
        samples = self.page()["observekit_otel_metrics_left_out"].samples
        return {sample.labels["reason"]: sample.value for sample in samples if sample.value}


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _scrape(app: Any) -> str:
    sent: list[bytes] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "raw_path": b"/metrics",
        "root_path": "",
        "query_string": b"",
        "client": ("127.0.0.1", 4711),
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"accept", b"application/openmetrics-text; version=1.0.0")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(sent).decode()


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Set up as a service does, and end it after the test."""
    kits: list[Kit] = []

    def begin(**settings: Any) -> Service:
        given = {"registry": CollectorRegistry(), "logs": "off", "traces": False, **settings}
        kits.append(setup(**given))
        return Service(kits[-1])

    yield begin
    for kit in kits:
        kit.shutdown()


@pytest.fixture
def service(serve: Callable[..., Service]) -> Service:
    return serve()


@pytest.fixture
def recent_sdk() -> None:
    """Skip with SDKs that take no reader after they are made; they also forget a gauge once it is read."""
    if not hasattr(MeterProvider, "add_metric_reader"):
        pytest.skip("the OpenTelemetry SDK takes no further readers")


@pytest.fixture
def theirs() -> Iterator[Callable[..., MeterProvider]]:
    """Set a meter provider as a user does before us; OpenTelemetry is set back after the test."""
    made: list[MeterProvider] = []

    def begin(**more: Any) -> MeterProvider:
        made.append(MeterProvider(shutdown_on_exit=False, **more))
        metrics.set_meter_provider(made[-1])
        return made[-1]

    yield begin
    for provider in made:
        provider.shutdown()
    _internal._METER_PROVIDER = None
    _internal._METER_PROVIDER_SET_ONCE = type(_internal._METER_PROVIDER_SET_ONCE)()
    _internal._PROXY_METER_PROVIDER._real_meter_provider = None


@pytest.fixture
def no_spans() -> Iterator[None]:
    """OpenTelemetry's tracing is set back after a test that has set a provider."""
    yield
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = type(trace._TRACER_PROVIDER_SET_ONCE)()
