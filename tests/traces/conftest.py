"""A collector in the test's own process: takes OTLP over HTTP, and answers as the test wants."""

import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import CollectorRegistry

from observekit import Kit, setup
from tests.traces.certificates import Files, made_in

LONG = 30.0
"""Seconds that nothing in these tests takes: a limit for what went wrong."""


class Collector:
    """Keeps what arrives; ``status`` is what it answers, and ``silent`` that it does not."""

    def __init__(self) -> None:
        self.status = 200
        self.silent = False
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.ports: list[int] = []
        self._changed = Condition()
        self._released = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def spans(self) -> list[Any]:
        scopes = [
            scope for one in self.requests for group in one.resource_spans for scope in group.scope_spans
        ]
        return [span for scope in scopes for span in scope.spans]

    def until(self, condition: Callable[[], bool]) -> bool:
        """Wait until *condition* holds, which is looked at whenever something arrives."""
        with self._changed:
            return self._changed.wait_for(condition, LONG)

    def answer(self) -> None:
        """Be silent no more, also to those who wait."""
        self.silent = False
        self._released.set()

    def stop(self) -> None:
        self.answer()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(LONG)

    def take(self, port: int, headers: dict[str, str], body: bytes) -> None:
        with self._changed:
            self.ports.append(port)
            self.headers.append(headers)
            self.requests.append(ExportTraceServiceRequest.FromString(body))
            self._changed.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(self.client_address[1], dict(self.headers), body)
                if collector.silent:
                    collector._released.wait(LONG)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


class Ledger:
    """What a kit says became of its spans."""

    def __init__(self, kit: Kit) -> None:
        # They leave the registry when the kit ends, and count on.
        self._collectors = list(kit.registry._collector_to_names)

    def _sum(self, name: str, **labels: str) -> float:
        families = [family for collector in self._collectors for family in collector.collect()]
        samples = [one for family in families for one in family.samples if one.name == name]
        return sum(one.value for one in samples if labels.items() <= one.labels.items())

    def exported(self) -> float:
        return self._sum("observekit_spans_total", outcome="exported")

    def rejected(self) -> float:
        return self._sum("observekit_spans_total", outcome="rejected")

    def ended(self) -> float:
        return self._sum("observekit_spans_ended_total")

    def waiting(self) -> float:
        return self._sum("observekit_spans_waiting")

    def queued_bytes(self) -> float:
        return self._sum("observekit_span_queue_bytes")

    def is_balanced(self) -> bool:
        """Whether every span that ended is in one of the places where it can be."""
        lost = self._sum("observekit_spans_dropped_total")
        return self.ended() == self.exported() + self.rejected() + lost + self.waiting()

    def failed_requests(self) -> float:
        return self._sum("observekit_export_duration_seconds_count", outcome="failed")

    def dropped(self, reason: str) -> float:
        return self._sum("observekit_spans_dropped_total", reason=reason)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()


@pytest.fixture
def begin() -> Iterator[Callable[..., Kit]]:
    """Set up with an endpoint, and end it after the test."""
    kits: list[Kit] = []

    def start(**settings: Any) -> Kit:
        kits.append(setup(registry=CollectorRegistry(), **{"logs": "off", **settings}))
        return kits[-1]

    yield start
    for kit in kits:
        kit.shutdown(0.5)


@pytest.fixture
def keeping(begin: Callable[..., Kit], collector: Collector) -> Kit:
    """A kit that samples nothing, and keeps errors and what takes a second."""
    return begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="parentbased_always_off",
        keep_errors=True,
        keep_slow_seconds=1.0,
    )


@pytest.fixture
def ledger() -> Callable[[Kit], Ledger]:
    return Ledger


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return made_in(tmp_path_factory.mktemp("tls"))
