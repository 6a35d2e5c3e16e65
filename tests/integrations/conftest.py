"""A kit of its own for each test, the spans that it made, and applications driven in process."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import trio
import trio.lowlevel
import uvicorn
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio import serve as hypercorn
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample
from starlette.background import BackgroundTask

from observekit import Kit, instrument, setup
from tests.waiting import until

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
        until(lambda: len(self.spans()) >= count)
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


@pytest.fixture(autouse=True)
def background_tasks() -> Iterator[None]:
    """Take back what OpenTelemetry's FastAPI instrumentor leaves at Starlette's background tasks: spans."""
    before = BackgroundTask.__call__
    yield
    BackgroundTask.__call__ = before  # type: ignore[method-assign]
    if hasattr(BackgroundTask, "_otel_original_call"):
        del BackgroundTask._otel_original_call


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


class OnTrio(Thread):
    """hypercorn on trio, in a thread."""

    def __init__(self, app: Any) -> None:
        super().__init__(daemon=True)
        self._app = app
        self._ready = Event()
        self.start()
        assert self._ready.wait(LONG)

    def run(self) -> None:
        trio.run(self._serve)

    async def _serve(self) -> None:
        self._token, self._over = trio.lowlevel.current_trio_token(), trio.Event()
        config = HypercornConfig()
        config.bind, config.errorlog = ["127.0.0.1:0"], None
        async with trio.open_nursery() as nursery:
            serve = partial(hypercorn, self._app, config, shutdown_trigger=self._over.wait)
            bound: Any = await nursery.start(serve)
            self.port = int(bound[0].rpartition(":")[2])
            self._ready.set()

    def stop(self) -> None:
        with suppress(trio.RunFinishedError):  # It is stopped already.
            self._token.run_sync_soon(self._over.set)
        self.join(LONG)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body


@pytest.fixture
def begin() -> Iterator[Callable[[Any], OnTrio]]:
    """Serve an application on trio until the end of the test."""
    servers: list[OnTrio] = []

    def start(app: Any) -> OnTrio:
        instrument(app)
        servers.append(OnTrio(app))
        return servers[-1]

    yield start
    for one in servers:
        one.stop()
