"""Records go to a collector as they are on standard output, each is accounted for, and none feeds itself."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import CollectorRegistry

from observekit import setup
from observekit.install import Kit

DROPPED = "observekit_log_exports_dropped_total"
EXPORTED = "observekit_log_exports_total"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP on loopback, and keeps what it got."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.requests: list[tuple[str, dict[str, str], ExportLogsServiceRequest]] = []
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/logs"

    def records(self) -> list[Any]:
        return [
            (resource.resource, scope.scope.name, record)
            for _, _, request in self.requests
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Collector
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        request = ExportLogsServiceRequest.FromString(body)
        self.server.requests.append((self.path, dict(self.headers.items()), request))
        self.send_response(self.server.status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as it is called
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()


def start(collector: Collector, **settings: Any) -> Kit:
    return setup(
        registry=CollectorRegistry(),
        log_format="json",
        traces=False,
        service_name="shop",
        logs_exporter="otlp",
        logs_endpoint=collector.endpoint,
        logs_headers={"api-key": "k"},
        **settings,
    )


def value(one: Any) -> Any:
    kind = one.WhichOneof("value")
    if kind == "kvlist_value":
        return {entry.key: value(entry.value) for entry in one.kvlist_value.values}
    if kind == "array_value":
        return [value(entry) for entry in one.array_value.values]
    return None if kind is None else getattr(one, kind)


def counted(kit: Kit, name: str, **labels: str) -> float:
    return kit.registry.get_sample_value(name, labels) or 0.0


def test_a_record_arrives_as_it_is_on_its_line(
    collector: Collector, capfd: pytest.CaptureFixture[str], strict: Callable[[str], Any]
) -> None:
    kit = start(collector)
    context = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))

    with trace.use_span(NonRecordingSpan(context)):
        structlog.get_logger("shop.orders").info("order.placed", order=12, password="x", user={"tags": ["a"]})  # noqa: S106
    try:
        int("no number")
    except ValueError:
        logging.getLogger("shop.stdlib").exception("failed %s", "here")
    several = ExceptionGroup("several", [KeyError("inside")])
    logging.getLogger("shop.stdlib").error("several failed", exc_info=several)
    kit.shutdown()

    lines = {line["event"]: line for line in map(strict, capfd.readouterr().out.splitlines())}
    sent = {
        record.body.string_value: (resource, scope, record) for resource, scope, record in collector.records()
    }
    assert {"order.placed", "failed here", "observekit.started"} <= lines.keys() & sent.keys()
    resource, scope, placed = sent["order.placed"]
    assert {one.key: value(one.value) for one in resource.attributes}["service.name"] == "shop"
    assert (scope, placed.severity_number, placed.severity_text) == ("shop.orders", 9, "info")
    assert (placed.trace_id.hex(), placed.span_id.hex(), placed.flags) == (
        f"{0xABC:032x}",
        f"{0xDEF:016x}",
        1,
    )
    found = {one.key: value(one.value) for one in placed.attributes}
    assert found == {"order": 12, "password": "[redacted]", "user": {"tags": ["a"]}}
    whole, _, micros = lines["order.placed"]["timestamp"].rstrip("Z").partition(".")
    assert placed.time_unix_nano % 1_000_000_000 == int(micros) * 1000
    assert placed.time_unix_nano == placed.observed_time_unix_nano
    failed = {one.key: value(one.value) for one in sent["failed here"][2].attributes}
    assert (failed["exception.type"], "no number" in failed["exception.message"]) == ("ValueError", True)
    assert failed["exception.stacktrace"].startswith("ValueError: invalid literal")
    group = {one.key: value(one.value) for one in sent["several failed"][2].attributes}
    assert group["exception.stacktrace"].splitlines()[1:] == ["  | KeyError: 'inside'"]
    path, headers, _ = collector.requests[0]
    assert (path, headers["api-key"], bool(whole)) == ("/v1/logs", "k", True)


def test_all_that_is_written_is_sent_or_counted(
    collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    kit = start(collector)
    log = structlog.get_logger("many")

    threads = [Thread(target=lambda: [log.info("one", number=n) for n in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for part in kit._parts:
        part.flush(20)

    reasons = ("no_collector", "queue_full", "shutdown", "too_large", "unencodable")
    dropped = sum(counted(kit, DROPPED, reason=reason) for reason in reasons)
    arrived = [record for _, scope, record in collector.records() if scope == "many"]
    written = len(capfd.readouterr().out.splitlines())
    assert len(arrived) == 4000
    assert counted(kit, EXPORTED, outcome="exported") == len(collector.records())
    assert len(collector.records()) + dropped == written
    kit.shutdown()


SCRIPT = """
import logging
from observekit import setup
settings = {"log_format": "json", "log_level": "debug", "traces": False, "shutdown_budget_seconds": 1}
kit = setup(logs_exporter="otlp", **settings)
logging.getLogger("shop").info("said")
kit.shutdown()
"""


def test_a_collector_that_is_not_there_makes_no_records_of_its_own_that_go_there() -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": ":".join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environ, capture_output=True, timeout=50, check=True, text=True
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = [line["event"] for line in lines]
    assert events.count("observekit.log_export_failed") == 1
    (failed,) = (line for line in lines if line["event"] == "observekit.log_export_failed")
    # All that came before were to be sent; the one that says so comes when nothing is sent any more.
    assert failed["records"] == lines.index(failed)
    assert len(lines) < 20
    assert done.stderr == ""


def test_what_a_flight_recorder_keeps_is_sent_only_if_it_is_written(collector: Collector) -> None:
    kit = start(collector, log_flight_recorder="debug")

    structlog.get_logger("shop").debug("kept")
    kit.shutdown()

    assert "kept" not in [record.body.string_value for _, _, record in collector.records()]
