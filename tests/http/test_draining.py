"""What a drain does within a process: responses that end their connections, and what is in flight."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from observekit.http.under_way import UnderWay, closing

if TYPE_CHECKING:
    from tests.http.conftest import Bench

CLOSE = (b"connection", b"close")


def scope(version: str = "1.1", path: str = "/") -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": [], "http_version": version}


def response(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [*headers]}


def passed_on(message: dict[str, Any], version: str = "1.1") -> dict[str, Any]:
    """Return what a server gets of *message* during a drain."""
    got: list[Any] = []

    async def send(one: Any) -> None:
        got.append(one)

    async def work() -> None:
        await closing(scope(version), send)(message)

    asyncio.run(work())
    (one,) = got
    return dict(one)


END = {"type": "http.response.body", "body": b""}


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("version", "message", "sent"),
    [
        ("1.1", response(), [CLOSE]),
        ("1.0", response((b"x", b"y")), [(b"x", b"y"), CLOSE]),
        ("1.1", response((b"Connection", b"keep-alive")), [(b"Connection", b"keep-alive")]),
        ("2", response(), []),
        ("3", response(), []),
    ],
)
def test_a_response_ends_its_connection_where_http_says_so(version: str, message: Any, sent: Any) -> None:
    assert passed_on(message, version) == {**message, "headers": sent}


@pytest.mark.parametrize("headers", [None, 7, [1], [("connection", "close")], [(b"a",)]])
def test_headers_of_an_odd_shape_are_between_the_application_and_its_server(headers: Any) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": headers}
    assert passed_on(message)["headers"] in (headers, [CLOSE])


class Sent(list[Any]):
    """What went to the server."""

    async def send(self, message: Any) -> None:
        self.append(message)

    def closes(self) -> bool:
        return CLOSE in self[0]["headers"]


def test_a_request_that_was_there_before_the_drain_ends_its_connection_too(bench: "Bench") -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def app(_: Any, __: Any, send: Any) -> None:
        begun.set()
        await go_on.wait()
        await send(response())
        await send(END)

    async def work() -> tuple[Sent, int]:
        sent = Sent()
        answering = asyncio.create_task(bench.layer(app)(scope(), receive, sent.send))
        await begun.wait()
        bench.under_way.close_connections()
        in_flight = len(bench.under_way.open)
        go_on.set()
        await answering
        return sent, in_flight

    sent, in_flight = asyncio.run(work())

    assert (sent.closes(), in_flight, len(bench.under_way.open)) == (True, 1, 0)


@pytest.mark.parametrize("draining", [False, True])
def test_a_request_during_the_drain_is_answered_and_ends_its_connection(
    bench: "Bench", draining: bool
) -> None:
    if draining:
        bench.under_way.close_connections()

    async def app(_: Any, __: Any, send: Any) -> None:
        await send(response())
        await send(END)

    sent = Sent()
    asyncio.run(bench.layer(app)(scope(), receive, sent.send))

    assert sent.closes() is draining


def test_connections_are_kept_again_when_a_drain_was_taken_back(bench: "Bench") -> None:
    bench.under_way.close_connections()
    bench.under_way.keep_connections()

    async def app(_: Any, __: Any, send: Any) -> None:
        await send(response())
        await send(END)

    sent = Sent()
    asyncio.run(bench.layer(app)(scope(), receive, sent.send))

    assert not sent.closes()


def test_nothing_is_in_flight_after_an_application_that_raised(bench: "Bench") -> None:

    async def app(*_: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(bench.layer(app)(scope(), receive, Sent().send))

    assert bench.under_way.open == {}


def test_a_socket_is_in_flight_until_its_application_returns(bench: "Bench") -> None:
    seen = []

    async def app(_: Any, __: Any, send: Any) -> None:
        seen.append(bench.under_way.routes())
        await send({"type": "websocket.close"})

    asyncio.run(bench.layer(app)({"type": "websocket", "path": "/", "headers": []}, receive, Sent().send))

    assert (seen, bench.under_way.open) == ([{"WS _unmatched": 1}], {})


def test_routes_are_counted_by_template_the_most_frequent_first() -> None:
    under_way: Any = UnderWay()
    route = type("Route", (), {"path": "/items/{item}"})()
    for number in range(3):
        under_way.open[number] = {**scope(), "route": route if number else None}

    assert list(under_way.routes().items()) == [("GET /items/{item}", 2), ("GET _unmatched", 1)]
