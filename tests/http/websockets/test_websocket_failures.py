"""What fails, is off or is wrong takes nothing from a connection, and nothing of one is kept."""

import gc
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

if TYPE_CHECKING:
    from tests.http.conftest import Bench
    from tests.http.websockets.conftest import Sockets

TEXT = {"type": "websocket.receive", "text": "in"}
GONE = {"type": "websocket.disconnect", "code": 1000}
ACCEPT = {"type": "websocket.accept"}


async def echo(websocket: WebSocket) -> None:
    """Answer each message until the client goes, as tutorials write it: nothing is caught."""
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())


def service() -> Starlette:
    return Starlette(routes=[WebSocketRoute("/chat/{room}", echo)])


@pytest.mark.parametrize("family", ["active", "duration", "messages"])
def test_a_metric_that_fails_takes_nothing_with_it(sockets: "Sockets", bench: "Bench", family: str) -> None:
    getattr(bench.instruments.sockets, family)._cells = None

    made = sockets.connect(service(), "/chat/1", TEXT, GONE)

    assert [message["type"] for message in made.sent] == ["websocket.accept", "websocket.send"]
    assert sum(bench.guard.failures.values()) > 0
    assert len(bench.events) == len(bench.server_spans()) == 1
    assert family == "active" or sockets.open() == 0


def test_signals_that_are_off_are_not_missed(sockets: "Sockets", bench: "Bench") -> None:
    off = bench.parts.sockets._replace(metrics=None, tracer=bench.tracer(None), logs=None)

    one = sockets.connection("/chat/1", TEXT, GONE)
    bench.run(one.make(bench.layer(service(), sockets=off)))

    assert [message["type"] for message in one.sent] == ["websocket.accept", "websocket.send"]
    assert (bench.events, bench.server_spans(), sockets.durations()) == ([], [], {})
    assert sum(bench.guard.failures.values()) == 0


WRONG: list[dict[str, Any]] = [{"headers": 5}, {"client": 5}, {"path": 5}, {"route": 5, "endpoint": 6}]


@pytest.mark.parametrize("wrong", [*WRONG, {"scheme": 7}, {"server": 8}])
def test_a_scope_that_is_wrong_is_served_as_ever(sockets: "Sockets", wrong: dict[str, Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(dict(ACCEPT))
        await receive()

    made = sockets.connect(app, "/", GONE, scope_of=wrong)

    assert (made.sent, made.error) == ([ACCEPT], None)
    assert sockets.open() == 0


def test_messages_pass_as_the_objects_they_are(sockets: "Sockets") -> None:
    accept, out = dict(ACCEPT), {"type": "websocket.send", "bytes": b"out"}
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(await receive())
        await send(accept)
        await send(out)
        heard.append(await receive())

    one = sockets.connection("/", TEXT)
    said = list(one.incoming)
    sockets.bench.run(one.make(sockets.bench.layer(app)))

    passed = [*one.sent, *heard]
    assert [id(message) for message in passed] == [id(message) for message in (accept, out, *said)]


def test_a_connection_is_let_go_when_it_is_over(sockets: "Sockets") -> None:
    class Big:
        """What a frame of the application holds."""

    held: list[Callable[[], object]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        big = Big()
        held.append(weakref.ref(big))
        raise ValueError("broken")

    gc.disable()
    try:
        sockets.connect(app).error = None
        left = held[0]()
    finally:
        gc.enable()

    assert left is None
