"""A receiver of OTLP over HTTP that keeps the last traces in memory."""

import gzip
from collections import OrderedDict
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from observekit.cli.demo.ports import LOOPBACK
from observekit.cli.demo.spans import Span, spans_of

_TRACES: Final = 1000
_SPANS_OF_ONE: Final = 200
_LARGEST_BODY: Final = 16 * 1024 * 1024


class Traces:
    """The last traces, by id."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._traces: OrderedDict[str, list[Span]] = OrderedDict()

    def add(self, spans: Iterable[Span]) -> None:
        """Take spans in; the oldest traces go where there are too many."""
        with self._lock:
            for span in spans:
                trace = self._traces.setdefault(span.trace_id, [])
                if len(trace) < _SPANS_OF_ONE:
                    trace.append(span)
            while len(self._traces) > _TRACES:
                self._traces.popitem(last=False)

    def newest_first(self) -> list[tuple[Span, ...]]:
        """Return the traces as they are now."""
        with self._lock:
            return [tuple(trace) for trace in reversed(self._traces.values())]


class Collector:
    """The receiver; runs on a thread while in its block."""

    def __init__(self) -> None:
        self.traces = Traces()
        # The stock server makes an instance for each connection and gives it no argument of ours.
        handler = type("Handler", (_Handler,), {"traces": self.traces})
        self._server = ThreadingHTTPServer((LOOPBACK, 0), handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="collector", daemon=True)

    @property
    def url(self) -> str:
        """What services are told as OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    traces: Traces

    def do_POST(self) -> None:
        """Take one export."""
        length = int(self.headers.get("content-length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = True
            self._answer(413)
            return
        body = self.rfile.read(length)
        try:
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportTraceServiceRequest.FromString(body)
        except Exception:  # noqa: BLE001 -- whatever is wrong with a body, its sender is told so
            self._answer(400)
            return
        self.traces.add(spans_of(request))
        self._answer(200, ExportTraceServiceResponse().SerializeToString())

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent: standard error is the user's terminal."""
