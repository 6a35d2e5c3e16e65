"""Whatever clients do, the ops port holds a fixed number of places and no thread, and answers the next."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge

from observekit import Kit
from observekit.ops import server, visit
from observekit.ops.server import CONNECTIONS
from observekit.ops.visit import REQUEST_BYTES
from tests.often import SHARED, often

if TYPE_CHECKING:
    from tests.opsport.conftest import Client

Make = Callable[..., Kit]
GOOD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _threads() -> list[str]:
    # Those of other tests end when they like.
    return sorted(one.name for one in threading.enumerate() if one.name.startswith("observekit-"))


@pytest.fixture
def large(make_kit: Make) -> Kit:
    """A kit whose page is larger than what the kernel takes off a sender's hands."""
    registry = CollectorRegistry()
    gauge = Gauge("level", "h", ["route"], registry=registry)
    for number in range(100_000):
        gauge.labels(f"/a-route-that-is-as-long-as-routes-are-when-they-have-grown/{number}").set(number)
    return make_kit(registry=registry)


def test_three_hundred_half_sent_requests_hold_no_thread_and_no_good_one_up(kit: Kit, ops: "Client") -> None:
    ops.get("/livez")
    before = _threads()
    halves = []

    for number in range(300):
        halves.append(ops.connect())
        halves[-1].sendall(GOOD[: number % len(GOOD)])
    told = [ops.get("/livez").status for _ in range(20)]
    during = _threads()
    held = len(kit.ops._held.visits) if kit.ops is not None and kit.ops._held is not None else 0
    for one in halves:
        one.close()

    assert told == [200] * 20
    assert during == before
    assert 0 < held <= CONNECTIONS


def test_a_row_of_white_space_in_a_header_holds_no_good_request_up(ops: "Client") -> None:
    hostile = ops.connect()
    hostile.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nx:" + b" " * 8000 + b"\0\r\n\r\n")

    refused, good = hostile.recv(4096), ops.get("/livez")
    hostile.close()

    assert refused.startswith(b"HTTP/1.1 400 ")
    assert good.status == 200


def test_readers_that_never_read_give_their_places_to_those_who_come(
    large: Kit, make_client: "type[Client]"
) -> None:
    ops = make_client(large.ops_port or 0)
    ops.get("/metrics")  # A collector has a thread from now on.
    before = _threads()
    readers = []

    for _ in range(2 * CONNECTIONS):
        readers.append(ops.connect(receive_bytes=4096))
        readers[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    told = [ops.get("/livez").status for _ in range(20)]
    during = _threads()
    for one in readers:
        one.close()

    assert told == [200] * 20
    assert during == before


def test_the_peer_with_the_most_places_loses_them_first(make_kit: Make, make_client: "type[Client]") -> None:
    kit = make_kit(ops_host="0.0.0.0")  # noqa: S104 -- two peers of one host
    crowd, neighbour = make_client(kit.ops_port or 0), make_client(kit.ops_port or 0, source="127.0.0.2")

    with neighbour.connect() as first:
        first.sendall(GOOD[:10])
        many = [crowd.connect() for _ in range(4 * CONNECTIONS)]
        crowd.get("/livez")
        first.sendall(GOOD[10:])
        told = neighbour.rest(first)
    for one in many:
        one.close()

    assert told.status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"GET /livez\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n folded: 1\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: local\0host\r\n\r\n", 400),
        (b"GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nx: " + b"y" * REQUEST_BYTES + b"\r\n\r\n", 431),
        (b"y" * 10 * REQUEST_BYTES, 431),
        (b"GET /%0d%0aX:1?<script> HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /livez HTTP/1.0\r\n\r\n", 200),
        (b"GET /%6civez?a=%ff HTTP/1.1\r\nhost:\tlocalhost \r\n\r\n", 200),
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nsomething", 405),
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n" + b"y " * 25_000, 405),
        (GOOD.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"), 200),
        (GOOD * 50, 200),
    ],
)
def test_each_connection_gets_one_answer_and_nothing_is_reflected(
    ops: "Client", sent: bytes, status: int
) -> None:
    told = ops.say(sent)

    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert told.count(b"HTTP/1.1") == 1
    assert b"connection: close\r\n" in told
    assert not {b"<script>", b"X:1", b"folded", b"yyyy"} & set(told.split())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:9000", 200),
        ("orders.localhost", 200),
        ("127.0.0.1:9000", 200),
        ("[::1]:9000", 200),
        ("10.1.2.3", 200),
        ("attacker.example.org", 421),
        ("localhost.attacker.example.org:9000", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_on_loopback_no_name_that_a_page_could_point_here_is_answered(
    ops: "Client", host: str, status: int
) -> None:
    assert ops.get("/metrics", host=host).status == status


def test_who_waits_for_the_server_to_close_is_not_kept(ops: "Client") -> None:
    with ops.connect() as connection:
        connection.sendall(GOOD)

        assert ops.rest(connection).status == 200


def test_who_still_sends_is_not_cut_off_from_the_answer(
    ops: "Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "LEFT_SECONDS", 30.0)

    with ops.connect() as connection:
        connection.sendall(b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n\r\n")
        connection.recv(1, socket.MSG_PEEK)
        for _ in range(3):
            connection.sendall(b"y" * 1000)
        connection.shutdown(socket.SHUT_WR)
        told = ops.rest(connection)

    assert told.status == 405


def test_who_says_nothing_is_let_go_of(kit: Kit, ops: "Client", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.05)

    assert ops.say(GOOD[:-2]) == b""


def test_who_takes_nothing_is_let_go_of(
    large: Kit, make_client: "type[Client]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ANSWER_SECONDS", 0.5)
    ops = make_client(large.ops_port or 0)

    with ops.connect(receive_bytes=4096) as reader:
        reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = reader.recv(1)
        held = large.ops._held if large.ops is not None else None
        assert held is not None
        while held.visits:
            make_client(ops.port).say(GOOD)
        received = len(first) + _length(reader)

    assert received < 5_000_000


def _length(reader: socket.socket) -> int:
    """Return how many bytes there still are to read."""
    length = 0
    with suppress(ConnectionResetError):
        while piece := reader.recv(65536):
            length += len(piece)
    return length


# One server for all examples: that it lives through them is the point.
@pytest.mark.often
@settings(max_examples=often(200), deadline=None, suppress_health_check=SHARED)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\r\n\r\n", b" HTTP/1.1\r\nHost: localhost\r\n\r\n"]))
def test_no_bytes_at_all_make_it_fail(anyway: "Anyway", sent: bytes, end: bytes) -> None:
    with anyway.client.connect() as connection:
        connection.sendall(sent + end)
        connection.shutdown(1)
        told = anyway.client.rest(connection).status if end else 0

    assert told in {0, 200, 400, 404, 405, 421, 431, 503}
    assert anyway.failures() == 0


class Anyway:
    """A port that outlives the examples of a property."""

    def __init__(self, client: "Client", registry: CollectorRegistry) -> None:
        self.client = client
        self._registry = registry

    def failures(self) -> float | None:
        return self._registry.get_sample_value("observekit_internal_errors_total", {"component": "ops"})


@pytest.fixture
def anyway(make_kit: Make, make_client: "type[Client]") -> Anyway:
    registry = CollectorRegistry()
    return Anyway(make_client(make_kit(registry=registry).ops_port or 0), registry)
