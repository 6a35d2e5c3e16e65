"""Kits with an ops port, clients that speak to it as they like, and an application that can be held up."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any, NamedTuple

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from observekit import Kit, ObserveMiddleware, setup

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


class Answer(NamedTuple):
    """What came back over a socket."""

    status: int
    headers: dict[str, str]
    body: str


class Client:
    """Speaks to one port of this host, byte by byte if need be."""

    def __init__(self, port: int, host: str = "127.0.0.1", source: str = "") -> None:
        self.port = port
        self.host = host
        self.source = source

    def connect(self, receive_bytes: int = 0) -> socket.socket:
        connection = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(LONG)
        if self.source:
            connection.bind((self.source, 0))
        try:
            connection.connect((self.host, self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def rest(self, connection: socket.socket) -> Answer:
        """Return the answer that comes on a connection of ours."""
        return answer(everything(connection))

    def say(self, sent: bytes) -> bytes:
        """Return all that comes back until the server closes, or puts us out."""
        with self.connect() as connection:
            connection.sendall(sent)
            return everything(connection)

    def get(self, path: str, *headers: str, method: str = "GET", host: str = "localhost") -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
        got = answer(self.say("\r\n".join([*lines, "", ""]).encode("latin-1")))
        return got._replace(body=re.sub(r"\d+ ms", "n ms", got.body))


def everything(connection: socket.socket) -> bytes:
    received = []
    while piece := connection.recv(65536):
        received.append(piece)
    return b"".join(received)


def answer(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return Answer(
        int(first.split(" ")[1]), dict(line.lower().split(": ", 1) for line in lines), body.decode()
    )


class Announced(uvicorn.Server):
    """A server that says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.announced = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announced.set()


class Service:
    """An application whose event loop stands still from a request for /hold until it is released."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.held = Event()
        self.release = Event()
        self.app = ObserveMiddleware(self._answer)
        self.asked = 0

    async def _answer(self, scope: Any, _: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError(scope["type"])
        self.asked += 1
        if scope["path"] == "/hold":
            self.held.set()
            self.release.wait(LONG)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    @contextmanager
    def served(self, loop: Any = "asyncio") -> Iterator[Client]:
        """Serve with uvicorn on a thread; yield a client of the application's port."""
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, log_config=None, loop=loop)
        server = Announced(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        assert server.announced.wait(LONG)
        try:
            yield Client(server.servers[0].sockets[0].getsockname()[1])
        finally:
            self.release.set()
            server.should_exit = True
            thread.join(LONG)

    @contextmanager
    def standing_still(self, port: Client) -> Iterator[socket.socket]:
        """Hold the event loop up; yield the connection of the client that waits for it."""
        with port.connect() as waiting:
            waiting.sendall(b"GET /hold HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert self.held.wait(LONG)
            yield waiting
            self.release.set()
            assert answer(everything(waiting)).status == 200


Make = Callable[..., Kit]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_kit() -> Iterator[Make]:
    """Set up with a registry and an ops port of its own, and end it with the test."""
    with ExitStack() as ends:

        def make(**settings: Any) -> Kit:
            given = {"registry": CollectorRegistry(), "logs": "off", "traces": False, "ops_port": 0}
            kit = setup(**{**given, **settings})
            ends.callback(kit.shutdown)
            return kit

        yield make


@pytest.fixture
def kit(make_kit: Make) -> Kit:
    return make_kit()


@pytest.fixture(scope="session")
def make_client() -> type[Client]:
    return Client


@pytest.fixture
def ops(kit: Kit) -> Client:
    assert kit.ops_port is not None
    return Client(kit.ops_port)


@pytest.fixture
def make_service(make_kit: Make) -> Callable[..., Service]:
    return lambda **settings: Service(make_kit(**settings))
