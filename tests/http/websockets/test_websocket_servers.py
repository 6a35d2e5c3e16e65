"""WebSockets over real sockets: what both ends have seen is what is told."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    RejectConnection,
    Request,
    TextMessage,
)

from tests.waiting import until

if TYPE_CHECKING:
    from tests.http.websockets.conftest import Ending, Sockets

LONG = 30.0
"""Seconds that nothing in these tests takes: a limit for what went wrong."""
RESET = struct.pack("ii", 1, 0)
CLOSE_WITHOUT_A_CODE = b"\x88\x80\x00\x00\x00\x00"
"""As a browser sends it for `socket.close()`: RFC 6455, 5.5.1, masked with zeros."""


class Client:
    """One WebSocket client on a socket of its own."""

    def __init__(self, address: Any, path: str) -> None:
        self.socket = socket.create_connection(address, timeout=LONG)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.say(Request(host="service.test", target=path))

    def say(self, event: Event) -> None:
        self.socket.sendall(self.protocol.send(event))

    def hear(self) -> Event | None:
        """Return the next thing the server says; ``None`` where the connection just ended."""
        while True:
            for event in self.protocol.events():
                return event
            data = self.socket.recv(65536)
            if not data:
                return None
            self.protocol.receive_data(data)

    def reset(self) -> None:
        """Go without a word, as a phone in a tunnel."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


Connect = Callable[..., Client]


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def refuse(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("no", 401))


async def fail(websocket: WebSocket) -> None:
    await websocket.accept()
    raise ValueError("broken")


async def leave(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(1008)


def app() -> Starlette:
    routes = {"/echo/{room}": echo, "/refuse": refuse, "/fail": fail, "/leave": leave}
    return Starlette(routes=[WebSocketRoute(path, endpoint) for path, endpoint in routes.items()])


@pytest.fixture
def server(sockets: "Sockets") -> uvicorn.Server:
    given: Any = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 0}
    return uvicorn.Server(uvicorn.Config(sockets.bench.layer(app()), ws="wsproto", **given))


@pytest.fixture
def connect(server: uvicorn.Server) -> Iterator[Connect]:
    listening = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    clients: list[Client] = []

    def make(path: str) -> Client:
        clients.append(Client(listening.getsockname(), path))
        return clients[-1]

    yield make
    for client in clients:
        client.socket.close()
    server.should_exit = True
    thread.join(LONG)
    listening.close()


def told(sockets: "Sockets", count: int = 1) -> None:
    """Wait until so many connections are accounted for: that is after the client knows of their end."""
    until(lambda: len(sockets.bench.events) >= count)


def test_a_conversation_is_told(sockets: "Sockets", ending: "type[Ending]", connect: Connect) -> None:
    client = connect("/echo/1")
    assert isinstance(client.hear(), AcceptConnection)
    for text in ("one", "two"):
        client.say(TextMessage(text))
        heard = client.hear()
        assert isinstance(heard, TextMessage)
        assert heard.data == text
    client.say(CloseConnection(code=1001))

    told(sockets)
    assert sockets.ending() == ending("/echo/{room}", 101, 1001, "peer", "ok")
    assert sockets.messages() == {("/echo/{room}", "received"): 2, ("/echo/{room}", "sent"): 2}


def test_a_client_that_closes_without_a_code_has_closed(
    sockets: "Sockets", ending: "type[Ending]", connect: Connect
) -> None:
    client = connect("/echo/1")
    client.hear()
    client.socket.sendall(CLOSE_WITHOUT_A_CODE)

    told(sockets)
    assert sockets.ending() == ending("/echo/{room}", 101, 1005, "peer", "ok")


def test_a_client_that_is_cut_off_has_aborted(
    sockets: "Sockets", ending: "type[Ending]", connect: Connect
) -> None:
    client = connect("/echo/1")
    client.hear()
    client.reset()

    told(sockets)
    assert sockets.ending() == ending("/echo/{room}", 101, 1006, "peer", "aborted", "client_disconnect")


def test_a_refusal_is_told_with_the_status_that_the_client_got(
    sockets: "Sockets", ending: "type[Ending]", connect: Connect
) -> None:
    heard = connect("/refuse").hear()

    assert isinstance(heard, RejectConnection)
    assert heard.status_code == 401
    told(sockets)
    assert sockets.ending() == ending("/refuse", 401, None, "application", "client_error")


def test_a_path_that_no_route_takes_is_told_with_the_status_that_the_client_got(
    sockets: "Sockets", ending: "type[Ending]", connect: Connect
) -> None:
    heard = connect("/nowhere").hear()

    assert isinstance(heard, RejectConnection)
    told(sockets)
    assert sockets.ending() == ending("_unmatched", heard.status_code, None, "application", "client_error")


def test_a_code_of_the_application_is_told_as_the_client_got_it(
    sockets: "Sockets", ending: "type[Ending]", connect: Connect
) -> None:
    client = connect("/leave")
    client.hear()
    heard = client.hear()

    assert isinstance(heard, CloseConnection)
    told(sockets)
    assert sockets.ending() == ending("/leave", 101, int(heard.code), "application", "client_error")


def test_an_application_that_fails_ends_without_a_code(
    sockets: "Sockets", ending: "type[Ending]", connect: Connect
) -> None:
    client = connect("/fail")
    client.hear()
    heard = client.hear()

    assert heard is None
    told(sockets)
    assert sockets.ending() == ending("/fail", 101, 1006, None, "server_error", "error")


def test_a_server_that_stops_leaves_nothing_open(
    sockets: "Sockets", connect: Connect, server: uvicorn.Server
) -> None:
    clients = [connect(f"/echo/{number}") for number in range(20)]
    for client in clients:
        client.hear()
    server.should_exit = True

    told(sockets, len(clients))
    assert sockets.open() == 0
    assert sum(sockets.durations().values()) == len(clients)
    assert "server_error" not in {event["outcome"] for event in sockets.bench.events}


def test_a_thousand_connections_of_which_half_are_cut_off_leave_nothing_open(
    sockets: "Sockets", connect: Connect
) -> None:
    said = 0
    for batch in range(10):
        clients = [connect(f"/echo/{batch}") for _ in range(100)]
        for number, client in enumerate(clients):
            assert isinstance(client.hear(), AcceptConnection)
            if number % 4 < 2:
                client.say(TextMessage("text"))
                assert isinstance(client.hear(), TextMessage)
                said += 1
        assert sockets.open() == 100
        for number, client in enumerate(clients):
            if number % 2:
                client.reset()
            else:
                client.say(CloseConnection(code=1000))
        told(sockets, 100 * (batch + 1))
        assert sockets.open() == 0

    assert sockets.durations() == {("/echo/{room}", "1000"): 500, ("/echo/{room}", "1006"): 500}
    assert sockets.messages() == {("/echo/{room}", "received"): said, ("/echo/{room}", "sent"): said}
    assert len(sockets.bench.server_spans()) == 1000
    assert sum(sockets.bench.guard.failures.values()) == 0
