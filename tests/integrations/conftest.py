"""A kit of its own for each test, the spans that it made, and applications driven in process."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
import uvicorn
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from observekit import Kit, setup

LONG = 30.0
"""Seconds that nothing in these tests takes: a limit for what went wrong."""


class Observed:
    """A kit, and what it has seen."""

    def __init__(self, kit: Kit, exporter: InMemorySpanExporter) -> None:
        self.kit = kit
        self.exporter = exporter

    def spans(self, kind: SpanKind | None = None) -> list[ReadableSpan]:
        found = self.exporter.get_finished_spans()
        return [span for span in found if kind is None or span.kind is kind]

    def spans_until(self, count: int) -> list[ReadableSpan]:
        """Return the spans when there are as many: a server ends its own after its client has the answer."""
        deadline = monotonic() + LONG
        while len(self.spans()) < count and monotonic() < deadline:
            sleep(0.001)
        return self.spans()

    def servers(self) -> list[ReadableSpan]:
        return self.spans(SpanKind.SERVER)

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the values of a family that are not zero, by its label values in order of the names."""
        families = self.kit.registry.collect()
        samples: list[Sample] = [one for family in families for one in family.samples if one.name == name]
        return {_labels(one): one.value for one in samples if one.value}

    def durations(self) -> dict[tuple[str, ...], float]:
        """Return how many requests were counted, by method, status and route."""
        return self.samples("http_server_request_duration_seconds_count")

    def get(self, app: Any, *paths: str, **more: Any) -> list[int]:
        """Ask *app* for each path as a client on loopback, and return the statuses."""

        async def ask() -> list[int]:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
                return [(await client.get(path, **more)).status_code for path in paths]

        return asyncio.run(ask())


class Server(Thread):
    """An application behind uvicorn, on a port of its own."""

    def __init__(self, app: Any) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))

    def run(self) -> None:
        asyncio.run(self.server.serve(sockets=[self.socket]))

    def stop(self) -> None:
        self.server.should_exit = True
        self.join(10)
        self.socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serve an application until the end of the test; returns where."""
    servers: list[Server] = []

    def start(app: Any) -> str:
        servers.append(Server(app))
        servers[-1].start()
        return servers[-1].url

    yield start
    for server in servers:
        server.stop()


def _labels(sample: Sample) -> tuple[str, ...]:
    return tuple(value for _, value in sorted(sample.labels.items()))


@pytest.fixture
def observe() -> Iterator[Callable[..., Observed]]:
    """Set up as a service does, and end it after the test."""
    kits: list[Kit] = []

    def begin(provider: TracerProvider | None = None, **settings: Any) -> Observed:
        exporter = InMemorySpanExporter()
        if provider is not None:
            trace.set_tracer_provider(provider)
        kits.append(setup(registry=CollectorRegistry(), **{"logs": "off", **settings}))
        used: Any = trace.get_tracer_provider()
        if hasattr(used, "add_span_processor"):
            used.add_span_processor(SimpleSpanProcessor(exporter))
        return Observed(kits[-1], exporter)

    yield begin
    for kit in kits:
        kit.shutdown()


@pytest.fixture
def observed(observe: Callable[..., Observed]) -> Observed:
    return observe()


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    """A provider that the user has set before; OpenTelemetry is set back after the test."""
    made = TracerProvider(shutdown_on_exit=False)
    yield made
    made.shutdown()
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = type(trace._TRACER_PROVIDER_SET_ONCE)()
