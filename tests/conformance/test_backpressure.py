"""A body of any size is held nowhere on its way: who reads slowly is written to slowly."""

import select
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from threading import Event
from typing import Any

import anyio
import pytest
from prometheus_client import CollectorRegistry

from observekit import ObserveMiddleware, setup

from .servers import LONG, SERVERS, Server

MIB = 1024 * 1024
TOTAL = 64 * MIB
# Source: what the sockets of both sides and the buffers of a server hold on Linux is below half of it.
AHEAD = 24 * MIB
PIECE = b"x" * 65536
FULL = 1.0
"""Seconds in which whoever takes more has taken it."""


class Journal:
    """How much of each body has passed the application."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.asks = Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        if scope["method"] == "POST":
            await self._take(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["method"] == "GET":
            while self.sent < TOTAL:
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
                self.sent += len(PIECE)
        await send({"type": "http.response.body", "body": b""})

    async def _take(self, receive: Any) -> None:
        while not self.asks.is_set():  # noqa: ASYNC110 -- told from a thread, on any loop
            await anyio.sleep(0.01)
        more = True
        while more:
            message = await receive()
            self.received += len(message.get("body", b""))
            more = message.get("more_body", False)


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Journal]]:
    package, serve = SERVERS[request.param]
    pytest.importorskip(package, reason=f"{request.param} is not installed")
    kit = setup(registry=CollectorRegistry(), logs="off", body_sizes=True, runtime=False)
    journal = Journal()
    server = serve(ObserveMiddleware(journal))
    yield server, journal
    server.stop()
    kit.shutdown()


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), LONG)


def test_a_download_is_never_far_ahead_of_its_reader(served: tuple[Server, Journal]) -> None:
    server, journal = served
    ahead = []

    with connected(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        answer = HTTPResponse(client)
        answer.begin()
        read = 0
        while piece := answer.read(MIB):
            read += len(piece)
            server.settle()
            ahead.append(journal.sent - read)

    assert read == TOTAL
    assert max(ahead) < AHEAD


def test_an_upload_is_taken_in_no_faster_than_it_is_asked_for(served: tuple[Server, Journal]) -> None:
    server, journal = served
    body = memoryview(b"x" * TOTAL)

    with connected(server) as client:
        client.sendall(f"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {TOTAL}\r\n\r\n".encode())
        ahead = sent_until_full(client, body)
        journal.asks.set()
        client.sendall(body[ahead:])
        answer = HTTPResponse(client)
        answer.begin()

    assert ahead < AHEAD
    assert (answer.status, journal.received) == (200, TOTAL)


def sent_until_full(client: socket.socket, body: memoryview) -> int:
    """Send until nobody takes any more; return how many bytes were taken."""
    sent = 0
    while sent < len(body) and select.select([], [client], [], FULL)[1]:
        sent += client.send(body[sent : sent + len(PIECE)], socket.MSG_DONTWAIT)
    return sent
