"""Streams of HTTP/2, also those that are reset: each is one request, and none stays in flight."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from observekit import Kit, instrument, setup
from tests.waiting import until

from .servers import LONG, SERVERS, Server

pytest.importorskip("h2", reason="h2 is not installed")
STREAMS = 100
"""As many as servers let a client have at once."""


async def page(request: Request) -> Response:
    return PlainTextResponse("page")


async def endless(request: Request) -> Response:
    anyio = import_module("anyio")

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"piece"
            await anyio.sleep(0.01)  # A hundred that never wait would leave the server no time to end them.

    return StreamingResponse(pieces())


@pytest.fixture
def kit() -> Iterator[Kit]:
    made = setup(registry=CollectorRegistry(), logs="off", traces=False)
    yield made
    made.shutdown()


@pytest.fixture(params=["hypercorn", "hypercorn on trio"])
def server(request: pytest.FixtureRequest, kit: Kit) -> Iterator[Server]:
    pytest.importorskip(SERVERS[request.param][0])
    app = Starlette(routes=[Route("/page/{number}", page), Route("/endless/{number}", endless)])
    instrument(app)
    made = SERVERS[request.param][1](app)
    yield made
    made.stop()


def samples(kit: Kit, name: str, label: str) -> dict[str, float]:
    """Return the values of a family that are not zero, by one of its labels."""
    found = [one for family in kit.registry.collect() for one in family.samples if one.name == name]
    return {one.labels[label]: one.value for one in found if one.value}


class Client:
    """One connection that makes many requests at once."""

    def __init__(self, port: int) -> None:
        self._events: Any = import_module("h2.events")
        configuration = import_module("h2.config").H2Configuration(client_side=True)
        self._h2: Any = import_module("h2.connection").H2Connection(configuration)
        self._socket = socket.create_connection(("127.0.0.1", port), LONG)
        self._h2.initiate_connection()
        self.ended: set[int] = set()
        self.heard: set[int] = set()

    def ask(self, path: str) -> int:
        stream: int = self._h2.get_next_available_stream_id()
        pseudo = {":method": "GET", ":scheme": "http", ":authority": "service.test", ":path": path}
        self._h2.send_headers(stream, list(pseudo.items()), end_stream=True)
        return stream

    def reset(self, stream: int) -> None:
        self._h2.reset_stream(stream, error_code=8)

    def talk(self, enough: Callable[[], bool]) -> None:
        """Send what is to be sent, and take what comes until it is enough."""
        self._socket.sendall(self._h2.data_to_send())
        while not enough():
            for event in self._h2.receive_data(self._socket.recv(65536)):
                self._take(event)
            self._socket.sendall(self._h2.data_to_send())

    def _take(self, event: Any) -> None:
        if isinstance(event, self._events.DataReceived):
            self.heard.add(event.stream_id)
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, self._events.StreamEnded):
            self.ended.add(event.stream_id)

    def close(self) -> None:
        self._socket.close()


def test_every_stream_is_one_request_and_those_that_are_reset_are_aborted(server: Server, kit: Kit) -> None:
    client = Client(server.port)
    whole = {client.ask(f"/page/{number}") for number in range(STREAMS // 2)}
    left = {client.ask(f"/endless/{number}") for number in range(STREAMS // 2)}
    client.talk(lambda: whole <= client.ended and left <= client.heard)

    for stream in left:
        client.reset(stream)
    client.talk(lambda: True)
    counted = "http_server_request_duration_seconds_count"
    until(lambda: sum(samples(kit, counted, "http_route").values()) == STREAMS)
    client.close()

    assert samples(kit, counted, "http_route") == {"/page/{number}": 50, "/endless/{number}": 50}
    assert samples(kit, "http_server_requests_aborted_total", "reason") == {"client_disconnect": 50}
    assert samples(kit, "http_server_active_requests", "http_request_method") == {}


def test_a_connection_that_is_cut_off_aborts_all_of_its_streams(server: Server, kit: Kit) -> None:
    client = Client(server.port)
    streams = {client.ask(f"/endless/{number}") for number in range(STREAMS)}
    client.talk(lambda: streams <= client.heard)

    client.close()

    until(lambda: not samples(kit, "http_server_active_requests", "http_request_method"))
    aborted = samples(kit, "http_server_requests_aborted_total", "http_route")
    assert aborted == {"/endless/{number}": STREAMS}
