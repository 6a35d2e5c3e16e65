"""The floor: the same signals written by hand for this one application, with a product's duties.

Excluded paths, request id, known methods, requests in flight, sizes, exemplars, a span that is current in
OpenTelemetry's context, its attributes, errors with the exception, secrets checked, ids on each line; time to
the first byte in a histogram of its own, clients that go away and responses without an end counted, lines
counted by level, fields that the application adds, and strangers' traces not continued. Not a library: no
options, no limits, no shutdown, nothing that could fail is looked after.
"""

import os
from bisect import bisect_left
from ipaddress import ip_address
from struct import Struct
from time import gmtime, perf_counter, strftime, time_ns
from traceback import format_exception
from typing import Final, NamedTuple

import orjson
from opentelemetry import trace
from opentelemetry.context import attach, create_key, detach, set_value
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from benchmarks.app import application
from benchmarks.batches import Lines, Spans
from benchmarks.choice import Choice
from benchmarks.protobuf import attribute, framed
from observekit.asgi import ASGIApp, Message, Receive, Scope, Send
from observekit.semconv import KNOWN_METHODS, OTHER_METHOD

_EXCLUDED: Final = frozenset({"/metrics", "/livez", "/readyz", "/startupz"})
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_TIMES: Final = Struct("<BQBQ")
_RECORDED: Final = TraceFlags(TraceFlags.SAMPLED)
_DROPPED: Final = TraceFlags(TraceFlags.DEFAULT)
_NANOSECONDS: Final = 1_000_000_000
_FIELDS: Final = create_key("floor-fields")
_ABORTED: Final = frozenset({"cancelled", "client_disconnect"})


class Trace(NamedTuple):
    """The ids of a request, as bytes."""

    trace: bytes
    span: bytes
    parent: bytes
    sampled: bool


class Cell:
    """Everything about a method, route and status that does not change."""

    __slots__ = (
        "bytes",
        "counts",
        "exemplars",
        "first_counts",
        "first_sum",
        "level",
        "line",
        "span",
        "sum",
    )

    def __init__(self, method: str, route: str, status: int, reason: str) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.first_counts = [0] * (len(_BUCKETS) + 1)
        self.first_sum = 0.0
        self.exemplars: list[tuple[str, str, float] | None] = [None] * (len(_BUCKETS) + 1)
        self.sum = 0.0
        self.bytes = 0
        self.level = level = "error" if status >= 500 else "info"
        outcome = "server_error" if status >= 500 else "ok"
        head = orjson.dumps(
            {
                "level": level,
                "event": "http.request",
                "logger": "floor",
                "service": "bench",
                "http_request_method": method,
                "http_route": route,
                "http_response_status_code": status,
                "outcome": "aborted" if reason in _ABORTED else outcome,
            }
        )
        self.line = b'","' + head[2:-1]
        known: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "url.scheme": "http",
            "network.protocol.version": "1.1",
            "server.address": "127.0.0.1",
            "server.port": 8000,
        }
        error = framed(15, b"\x18\x02") + framed(9, attribute("error.type", str(status)))
        self.span = (
            framed(5, f"{method} {route}".encode())
            + b"\x30\x02"
            + b"".join(framed(9, attribute(key, value)) for key, value in known.items())
            + (error if status >= 500 else b"")
        )


class Floor:
    """The middleware."""

    def __init__(self, app: ASGIApp, spans: Spans, lines: Lines, ratio: float) -> None:
        self._app = app
        self._trusted: dict[str, bool] = {}
        self._aborted: dict[str, int] = {}
        self._written: dict[str, int] = {"info": 0, "error": 0}
        self._spans = spans
        self._lines = lines
        self._bound = int(ratio * 2**64)
        self._cells: dict[tuple[str, str, int, str], Cell] = {}
        self._active: dict[str, int] = {}
        self._second = 0
        self._stamp = b""

    async def __call__(  # noqa: C901, PLR0915 -- one function, because calls are what a floor saves
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] in _EXCLUDED:
            await self._app(scope, receive, send)
            return
        started, started_ns = perf_counter(), time_ns()
        method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER_METHOD
        traceparent = agent = request_id = b""
        for name, value in scope["headers"]:
            if name == b"traceparent":
                traceparent = value
            elif name == b"user-agent":
                agent = value
            elif name == b"x-request-id":
                request_id = value
        ids = self._ids(traceparent if traceparent and self._trusts(scope["client"][0]) else b"")
        fields: dict[str, object] = {}
        token = attach(set_value(_FIELDS, fields, set_span_in_context(_current(ids))))
        self._active[method] = self._active.get(method, 0) + 1
        status, size, first, ended, reason = 500, 0, 0.0, 0.0, "no_response"
        raised: BaseException | None = None

        async def hear() -> Message:
            nonlocal reason
            message = await receive()
            if message["type"] == "http.disconnect" and not ended:
                reason = "client_disconnect"
            return message

        async def watch(message: Message) -> None:
            nonlocal status, size, first, ended, reason
            await send(message)
            if message["type"] == "http.response.start":
                status, first = message["status"], perf_counter() - started
            else:
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    ended = perf_counter() - started
                    reason = reason if reason == "client_disconnect" else ""

        try:
            await self._app(scope, hear, watch)
        except BaseException as error:
            raised = error
            raise
        finally:
            seconds = ended or perf_counter() - started
            self._active[method] -= 1
            detach(token)
            route = scope.get("route")
            key = (method, "_unmatched" if route is None else route.path, status, reason)
            cell = self._cells.get(key)
            if cell is None:
                cell = self._cells[key] = Cell(*key)
            self._observe(cell, (seconds, first), size, ids)
            if reason:
                self._aborted[key[1]] = self._aborted.get(key[1], 0) + 1
            more = orjson.dumps(fields)[1:-1] if fields else b""
            self._line(cell, scope, (seconds, first, size), (request_id, ids, more), started_ns)
            if ids.sampled:
                self._span(cell, scope, ids, (agent, raised), (started_ns, seconds))

    def _trusts(self, peer: str) -> bool:
        known = self._trusted.get(peer)
        if known is None:
            address = ip_address(peer)
            known = self._trusted[peer] = address.is_private or address.is_loopback
        return known

    def _ids(self, traceparent: bytes) -> Trace:
        if len(traceparent) == 55 and traceparent[:3] == b"00-":
            parent = bytes.fromhex(traceparent[3:35].decode()), bytes.fromhex(traceparent[36:52].decode())
            return Trace(parent[0], os.urandom(8), parent[1], bool(int(traceparent[53:], 16) & 1))
        fresh = os.urandom(24)
        return Trace(fresh[:16], fresh[16:], b"", int.from_bytes(fresh[8:16]) < self._bound)

    @staticmethod
    def _observe(cell: Cell, times: tuple[float, float], size: int, ids: Trace) -> None:
        seconds, first = times
        index = bisect_left(_BUCKETS, seconds)
        cell.counts[index] += 1
        cell.sum += seconds
        cell.first_counts[bisect_left(_BUCKETS, first)] += 1
        cell.first_sum += first
        cell.bytes += size
        if ids.sampled:
            cell.exemplars[index] = (ids.trace.hex(), ids.span.hex(), seconds)

    def _line(
        self,
        cell: Cell,
        scope: Scope,
        facts: tuple[float, float, int],
        ids: tuple[bytes, Trace, bytes],
        now: int,
    ) -> None:
        self._written[cell.level] += 1
        second, rest = divmod(now, _NANOSECONDS)
        if second != self._second:
            self._second, self._stamp = second, strftime("%Y-%m-%dT%H:%M:%S", gmtime(second)).encode()
        path = scope["path"]
        if "Bearer " in path or "://" in path:
            path = "[redacted]"
        self._lines.add(
            b'{"timestamp":"%b.%06dZ%b,"trace_id":"%b","span_id":"%b","trace_flags":"%b","url_path":%b,'
            b'"client_address":%b,"request_id":%b,"duration_seconds":%.6f,"time_to_first_byte_seconds":%.6f,'
            b'"response_bytes":%d%b}\n'
            % (
                self._stamp,
                rest // 1000,
                cell.line,
                ids[1].trace.hex().encode(),
                ids[1].span.hex().encode(),
                b"01" if ids[1].sampled else b"00",
                orjson.dumps(path),
                orjson.dumps(scope["client"][0]),
                orjson.dumps(ids[0].decode("latin-1")),
                *facts,
                b"," + ids[2] if ids[2] else b"",
            )
        )

    def _span(
        self,
        cell: Cell,
        scope: Scope,
        ids: Trace,
        known: tuple[bytes, BaseException | None],
        when: tuple[int, float],
    ) -> None:
        agent, raised = known
        parts = [
            b"\x0a\x10",
            ids.trace,
            b"\x12\x08",
            ids.span,
            b"\x22\x08" + ids.parent if ids.parent else b"",
            cell.span,
            _TIMES.pack(0x39, when[0], 0x41, when[0] + int(when[1] * _NANOSECONDS)),
            _text(_PATH, scope["path"].encode()),
            _text(_AGENT, agent),
            _text(_CLIENT, scope["client"][0].encode()),
            b"" if raised is None else _exception(raised),
        ]
        self._spans.add(b"".join(parts))


def _key(name: str) -> bytes:
    return framed(1, name.encode())


_PATH: Final = _key("url.path")
_AGENT: Final = _key("user_agent.original")
_CLIENT: Final = _key("client.address")


def _text(key: bytes, value: bytes) -> bytes:
    return framed(9, key + framed(2, framed(1, value)))


def _exception(error: BaseException) -> bytes:
    told = {
        "exception.type": type(error).__qualname__,
        "exception.message": str(error),
        "exception.stacktrace": "".join(format_exception(error)),
    }
    attributes = b"".join(framed(3, attribute(key, value)) for key, value in told.items())
    return framed(11, framed(2, b"exception") + attributes)


def _current(ids: Trace) -> NonRecordingSpan:
    return NonRecordingSpan(
        SpanContext(
            int.from_bytes(ids.trace),
            int.from_bytes(ids.span),
            is_remote=False,
            trace_flags=_RECORDED if ids.sampled else _DROPPED,
        )
    )


def build(choice: Choice) -> ASGIApp:
    """Return the application with the floor around it."""
    spans = Spans(choice.endpoint)
    trace.set_tracer_provider(spans)
    return Floor(application(), spans, Lines(), choice.ratio)
