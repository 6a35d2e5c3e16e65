"""Headers of trace context that come twice mean the same behind each server, over HTTP/1.1 and HTTP/2."""

import json
import socket
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.trace import get_current_span
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from observekit import instrument, setup

from .servers import LONG, SERVERS, Server

Headers = list[tuple[str, str]]

TRACE = "12345678901234567890123456789012"
VALID = f"00-{TRACE}-1234567890123456-01"


async def tell(_: Request) -> Response:
    """Tell what was taken over from the caller."""
    current = get_current_span().get_span_context()
    return JSONResponse(
        {
            "continued": f"{current.trace_id:032x}" == TRACE,
            "state": dict(current.trace_state.items()),
            "baggage": dict(baggage.get_all()),
        }
    )


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server of each kind."""
    package, serve = SERVERS[request.param]
    pytest.importorskip(package, reason=f"{request.param} is not installed")
    kit = setup(registry=CollectorRegistry(), logs="off")
    app = Starlette(routes=[Route("/", tell)])
    instrument(app)
    made = serve(app)
    yield made
    made.stop()
    kit.shutdown()


def over_http_1(server: Server, headers: Headers) -> dict[str, Any]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = f"GET / HTTP/1.1\r\nhost: service.test\r\n{lines}connection: close\r\n\r\n"
    body = server.exchange(request.encode("latin-1"))
    found: dict[str, Any] = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    return found


def over_http_2(port: int, headers: Headers) -> dict[str, Any]:
    events: Any = import_module("h2.events")
    configuration = import_module("h2.config").H2Configuration(client_side=True)
    client: Any = import_module("h2.connection").H2Connection(configuration)
    pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "service.test"), (":path", "/")]
    body = b""
    with socket.create_connection(("127.0.0.1", port), LONG) as connection:
        client.initiate_connection()
        client.send_headers(1, [*pseudo, *headers], end_stream=True)
        while True:
            connection.sendall(client.data_to_send())
            for event in client.receive_data(connection.recv(65536)):
                if isinstance(event, events.DataReceived):
                    body += event.data
                if isinstance(event, events.StreamEnded):
                    found: dict[str, Any] = json.loads(body)
                    return found


CASES: dict[str, tuple[Headers, dict[str, Any]]] = {
    "one of each": (
        [("traceparent", VALID), ("tracestate", "foo=1"), ("baggage", "a=b")],
        {"continued": True, "state": {"foo": "1"}, "baggage": {"a": "b"}},
    ),
    "two parents": (
        [("traceparent", VALID), ("traceparent", VALID)],
        {"continued": False, "state": {}, "baggage": {}},
    ),
    "two states and two of baggage": (
        [
            *(("traceparent", VALID), ("tracestate", "foo=1,bar=2"), ("baggage", "a=b")),
            *(("tracestate", "baz=3"), ("baggage", "c=d")),
        ],
        {"continued": True, "state": {"foo": "1", "bar": "2", "baz": "3"}, "baggage": {"a": "b", "c": "d"}},
    ),
    "a state twice": (
        [("traceparent", VALID), ("tracestate", "foo=1"), ("tracestate", "foo=1")],
        {"continued": True, "state": {}, "baggage": {}},
    ),
    "33 members in two headers": (
        [
            ("traceparent", VALID),
            ("tracestate", ",".join(f"k{number}=1" for number in range(32))),
            ("tracestate", "more=1"),
        ],
        {"continued": True, "state": {}, "baggage": {}},
    ),
    "65 of baggage in two headers": (
        [("baggage", ",".join(f"k{number}=1" for number in range(64))), ("baggage", "more=1")],
        {"continued": False, "state": {}, "baggage": {}},
    ),
}
each_case = pytest.mark.parametrize(("headers", "wanted"), CASES.values(), ids=CASES)


@each_case
def test_headers_that_come_twice_mean_the_same_on_each_server(
    server: Server, headers: Headers, wanted: dict[str, Any]
) -> None:
    assert over_http_1(server, headers) == wanted


@pytest.mark.parametrize("server", ["hypercorn", "hypercorn on trio"], indirect=True)
@each_case
def test_headers_that_come_twice_mean_the_same_over_http_2(
    server: Server, headers: Headers, wanted: dict[str, Any]
) -> None:
    pytest.importorskip("h2", reason="h2 is not installed")

    assert over_http_2(server.port, headers) == wanted
