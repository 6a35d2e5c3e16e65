"""Real servers and raw sockets: what a client does is what is told of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from tests.waiting import until

if TYPE_CHECKING:
    from tests.http.conftest import Account, Bench

LONG = 30.0
"""Seconds that nothing in these tests takes: a limit for what went wrong."""
TRACE = "12345678901234567890123456789012"
PARENT = f"traceparent: 00-{TRACE}-1234567890123456-01\r\n"


class Server(Thread):
    """An application behind uvicorn."""

    def __init__(self, app: Any, listening: socket.socket, **settings: Any) -> None:
        super().__init__(daemon=True)
        self.listening = listening
        self.exit_code: str | int | None = None
        given = {"log_config": None, "access_log": False, "ws": "none", **settings}
        self.server = uvicorn.Server(uvicorn.Config(app, **given))

    def run(self) -> None:
        try:
            asyncio.run(self.server.serve(sockets=[self.listening]))
        except SystemExit as ended:
            self.exit_code = ended.code

    def stop(self) -> None:
        self.server.should_exit = True
        self.join(LONG)
        self.listening.close()

    def connect(self) -> socket.socket:
        client = socket.socket(self.listening.family, socket.SOCK_STREAM)
        client.settimeout(LONG)
        client.connect(self.listening.getsockname())
        return client

    def exchange(self, request: str) -> bytes:
        """Send *request*, and return everything until the server closes the connection."""
        with self.connect() as client:
            client.sendall(request.encode())
            return b"".join(iter(lambda: client.recv(65536), b""))


Serve = Callable[..., Server]


@pytest.fixture(params=["h11", "httptools"])
def serve(request: pytest.FixtureRequest, bench: "Bench") -> Iterator[Serve]:
    servers: list[Server] = []

    def start(app: Any, listening: socket.socket | None = None, **settings: Any) -> Server:
        used = listening or socket.create_server(("127.0.0.1", 0))
        servers.append(Server(bench.layer(app), used, http=request.param, **settings))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def told(bench: "Bench", count: int = 1) -> None:
    """Wait until so many requests are accounted for: that is after a client has its answer."""
    until(lambda: len(bench.events) >= count)


def get(path: str, headers: str = "", method: str = "GET") -> str:
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"


async def page(request: Request) -> Response:
    return PlainTextResponse("page")


async def read(request: Request) -> Response:
    return PlainTextResponse(await request.body())


def app() -> Starlette:
    inner = [Route("/items/{item}", page), Route("/read", read, methods=["POST"])]
    return Starlette(routes=[Mount("/in/{t}", routes=inner), Route("/stream", stream), *inner])


async def stream(request: Request) -> Response:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0)

    return StreamingResponse(endless())


def test_a_request_is_answered_and_told(bench: "Bench", account: "type[Account]", serve: Serve) -> None:
    answer = serve(app()).exchange(get("/in/acme/items/7?token=hunter2"))

    told(bench)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\npage")
    assert bench.account() == account("GET", "/in/{t}/items/{item}", 200, "ok")
    assert "hunter2" not in str(bench.events)


def test_two_requests_on_one_connection_are_two(bench: "Bench", serve: Serve) -> None:
    first = get("/items/1").replace("connection: close\r\n", "")

    answer = serve(app()).exchange(first + get("/items/2"))

    told(bench, 2)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert bench.durations() == {("GET", "/items/{item}", "200"): 2}


def test_a_client_that_leaves_in_the_middle_of_its_body_has_aborted(
    bench: "Bench", account: "type[Account]", serve: Serve
) -> None:
    with serve(app()).connect() as client:
        client.sendall(b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n123")

    told(bench)
    assert bench.account() == account("POST", "/read", None, "aborted", "client_disconnect")


def test_a_client_that_leaves_in_the_middle_of_a_stream_has_aborted(
    bench: "Bench", account: "type[Account]", serve: Serve
) -> None:
    with serve(app()).connect() as client:
        client.sendall(get("/stream").encode())
        client.recv(1000)

    told(bench)
    assert bench.account() == account("GET", "/stream", 200, "aborted", "client_disconnect")


def test_a_stream_that_comes_to_its_end_is_answered(
    bench: "Bench", account: "type[Account]", serve: Serve
) -> None:
    async def short(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 10_000

        return StreamingResponse(pieces())

    answer = serve(Starlette(routes=[Route("/short", short)])).exchange(get("/short"))

    told(bench)
    assert answer.count(b"x") == 200_000
    assert bench.account() == account("GET", "/short", 200, "ok")


def test_a_hundred_clients_that_leave_at_any_time_leave_nothing_in_flight(
    bench: "Bench", serve: Serve
) -> None:
    server = serve(app())
    whole = get("/stream").encode()

    for number in range(100):
        with server.connect() as client:
            client.sendall(whole[: number + 1])
            if number >= len(whole):
                client.recv(number)
    server.stop()

    assert bench.in_flight() == 0
    assert sum(bench.guard.failures.values()) == 0
    assert {event["outcome"] for event in bench.events} <= {"aborted"}


def test_a_request_that_the_server_gives_up_is_cancelled(
    bench: "Bench", account: "type[Account]", serve: Serve
) -> None:
    inside = Event()

    async def hang(request: Request) -> Response:
        inside.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = serve(Starlette(routes=[Route("/hang", hang)]), timeout_graceful_shutdown=0)
    with server.connect() as client:
        client.sendall(get("/hang").encode())
        inside.wait(LONG)
        server.stop()

    told(bench)
    assert bench.account() == account("GET", "/hang", None, "aborted", "cancelled")


@pytest.mark.parametrize(
    ("headers", "continued"),
    [
        (PARENT, True),
        (PARENT.replace("traceparent", "TraceParent"), True),
        (PARENT + PARENT, False),
        (PARENT.replace("-01\r", "-01-more\r"), False),
        (PARENT.replace("traceparent", "trace-parent"), False),
    ],
)
def test_the_trace_of_a_caller_is_continued_if_its_header_is_valid(
    bench: "Bench", serve: Serve, headers: str, continued: bool
) -> None:
    serve(app()).exchange(get("/items/7", headers))

    told(bench)
    assert (bench.events[0]["trace_id"] == TRACE) is continued


def test_a_caller_on_a_unix_socket_is_trusted(bench: "Bench", serve: Serve, tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(tmp_path / "socket"))
    listening.listen()

    serve(app(), listening).exchange(get("/items/7", PARENT))

    told(bench)
    assert bench.events[0]["trace_id"] == TRACE


@pytest.mark.parametrize("serve", ["h11"], indirect=True)
def test_a_method_that_nobody_knows_is_counted_as_other(bench: "Bench", serve: Serve) -> None:
    answer = serve(app()).exchange(get("/items/7", method="BREW"))

    told(bench)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert bench.durations() == {("_OTHER", "/items/{item}", "405"): 1}


@pytest.mark.parametrize("kind", ["raises", "has none"])
def test_a_server_that_asks_for_a_lifespan_ends_as_without_observekit(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if kind == "raises":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise RuntimeError("not supported")

    server = serve(broken, lifespan="on")
    server.join(LONG)

    assert server.exit_code == 3
    assert ("no database" in caplog.text) is (kind == "raises")
