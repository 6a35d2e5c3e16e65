"""A piece of a body that the application gives up has gone out, or has not: nobody here knows."""

import socket
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from threading import Event
from typing import Any

import anyio
import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit, ObserveMiddleware, setup
from tests.waiting import until

from .servers import LONG, SERVERS

DURATION = "http_server_request_duration_seconds"
SIZE = "http_server_response_body_size_bytes"
PIECE = b"x" * 1_000_000
# More megabytes than the buffers between a server and a client on loopback take.
MOST = 64
REQUEST = b"GET / HTTP/1.1\r\nhost: service.test\r\nconnection: close\r\n\r\n"


@pytest.fixture
def kit() -> Iterator[Kit]:
    made = setup(registry=CollectorRegistry(), logs="off", traces=False, body_sizes=True)
    yield made
    made.shutdown()


def count(kit: Kit, name: str) -> float:
    samples = (sample for family in kit.registry.collect() for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name)


def impatient(gave_up: Event) -> Any:
    """Return an application that sends pieces until the server has not taken one in time."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(MOST):
            with anyio.move_on_after(0.1) as waiting:
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            if waiting.cancelled_caught:
                gave_up.set()
                break
        await send({"type": "http.response.body", "body": b""})

    return app


def wait_until_counted(kit: Kit) -> None:
    until(lambda: count(kit, f"{DURATION}_count"))


# hypercorn on trio shields its sends: what it was asked to send cannot be given up.
@pytest.mark.parametrize("name", [name for name in SERVERS if name != "hypercorn on trio"])
def test_a_body_of_which_a_piece_was_given_up_has_no_size(kit: Kit, name: str) -> None:
    package, serve = SERVERS[name]
    pytest.importorskip(package, reason=f"{name} is not installed")
    gave_up = Event()
    server = serve(ObserveMiddleware(impatient(gave_up)))

    with socket.create_connection(("127.0.0.1", server.port), LONG) as client:
        client.sendall(REQUEST)
        assert gave_up.wait(LONG)
        read_all(client)
        wait_until_counted(kit)
        server.settle()
    server.stop()

    assert count(kit, f"{DURATION}_count") == 1
    assert count(kit, f"{SIZE}_count") == 0


def read_all(client: socket.socket) -> None:
    """Read what comes, also of a body that is cut off, so that the server can go on."""
    answer = HTTPResponse(client)
    try:
        answer.begin()
        answer.read()
    except (HTTPException, OSError):
        pass
