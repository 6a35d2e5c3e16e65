"""Every way in which a WebSocket connection can end has its own account, and none changes what was said."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import trio

if TYPE_CHECKING:
    from tests.http.websockets.conftest import Ending, Sockets

ACCEPT = {"type": "websocket.accept"}
TEXT = {"type": "websocket.send", "text": "out"}
CLOSE = {"type": "websocket.close"}
HELLO = {"type": "websocket.receive", "text": "in"}
REFUSE = {"type": "websocket.http.response.start", "status": 401, "headers": []}
REFUSED = {"type": "websocket.http.response.body", "body": b"no"}


class BrokenError(Exception):
    """What the application raises."""


class WebSocketDisconnectError(Exception):
    """What frameworks raise where the other end is gone, by their name for it."""


WebSocketDisconnectError.__name__ = "WebSocketDisconnect"


def gone(code: int | None = 1000) -> dict[str, Any]:
    return {"type": "websocket.disconnect", **({} if code is None else {"code": code})}


def close(code: int) -> dict[str, Any]:
    return {**CLOSE, "code": code}


def bare(*steps: Any) -> Any:
    """Return an application that sends messages, reads on `receive` and raises exceptions, in order."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in steps:
            if step == "receive":
                await receive()
            elif isinstance(step, BaseException):
                raise step
            else:
                await send(dict(step))

    return app


OPEN = ["receive", ACCEPT]
"""The steps of an application that takes a connection."""
ENDINGS: dict[str, tuple[list[Any], list[Any], tuple[Any, ...]]] = {
    "closed by the application": ([*OPEN, TEXT, CLOSE], [], (101, 1000, "application", "ok")),
    "closed, and its echo read": ([*OPEN, CLOSE, "receive"], [gone()], (101, 1000, "application", "ok")),
    "closed with a code of its own": ([*OPEN, close(4001)], [], (101, 4001, "application", "ok")),
    "closed because of the client": ([*OPEN, close(1008)], [], (101, 1008, "application", "client_error")),
    "closed because of an error": ([*OPEN, close(1011)], [], (101, 1011, "application", "server_error")),
    "closed twice": ([*OPEN, CLOSE, close(1011)], [], (101, 1000, "application", "ok")),
    "closed by the client": ([*OPEN, "receive"], [gone()], (101, 1000, "peer", "ok")),
    "the client goes away": ([*OPEN, "receive"], [gone(1001)], (101, 1001, "peer", "ok")),
    "the client gives no code": (
        [*OPEN, "receive"],
        [{**gone(1005), "reason": ""}],
        (101, 1005, "peer", "ok"),
    ),
    "the server has heard no code": (
        [*OPEN, "receive"],
        [gone(1005)],
        (101, 1006, "peer", "aborted", "client_disconnect"),
    ),
    "the server gives no code": (
        [*OPEN, "receive"],
        [gone(None)],
        (101, 1006, "peer", "aborted", "client_disconnect"),
    ),
    "the client invents a code": ([*OPEN, "receive"], [gone(4999)], (101, 4999, "peer", "ok")),
    "the client tells of its error": ([*OPEN, "receive"], [gone(1011)], (101, 1011, "peer", "client_error")),
    "the client is cut off": (
        [*OPEN, "receive"],
        [gone(1006)],
        (101, 1006, "peer", "aborted", "client_disconnect"),
    ),
    "after messages": (
        [*OPEN, "receive", TEXT, "receive", TEXT, TEXT, "receive"],
        [HELLO, HELLO, gone()],
        (101, 1000, "peer", "ok"),
    ),
    "the framework tells of the disconnect": (
        [*OPEN, "receive", WebSocketDisconnectError()],
        [gone()],
        (101, 1000, "peer", "ok"),
    ),
    "it tells so in a group": (
        [*OPEN, "receive", ExceptionGroup("tasks", [WebSocketDisconnectError(), OSError()])],
        [gone(1001)],
        (101, 1001, "peer", "ok"),
    ),
    "raised after the disconnect": (
        [*OPEN, "receive", BrokenError()],
        [gone()],
        (101, 1000, "peer", "server_error"),
    ),
    "raised while open": ([*OPEN, BrokenError()], [], (101, 1006, None, "server_error", "error")),
    "raised what others raise on a disconnect": (
        [*OPEN, WebSocketDisconnectError()],
        [],
        (101, 1006, None, "server_error", "error"),
    ),
    "raised after the close": ([*OPEN, CLOSE, BrokenError()], [], (101, 1000, "application", "server_error")),
    "left open": ([*OPEN, TEXT], [], (101, 1006, None, "server_error", "no_close")),
    "cancelled while open": (
        [*OPEN, asyncio.CancelledError()],
        [],
        (101, 1006, None, "aborted", "cancelled"),
    ),
    "cancelled after the close": (
        [*OPEN, CLOSE, asyncio.CancelledError()],
        [],
        (101, 1000, "application", "ok"),
    ),
    "refused": (["receive", CLOSE], [], (403, None, "application", "client_error")),
    "refused with a code": (["receive", close(1008)], [], (403, None, "application", "client_error")),
    "refused, then accepted all the same": (
        ["receive", CLOSE, ACCEPT],
        [],
        (403, None, "application", "client_error"),
    ),
    "refused with a response": (
        ["receive", REFUSE, {**REFUSED, "more_body": True}, REFUSED],
        [],
        (401, None, "application", "client_error"),
    ),
    "redirected": (
        ["receive", {**REFUSE, "status": 307}, REFUSED],
        [],
        (307, None, "application", "ok"),
    ),
    "refused with an error": (
        ["receive", {**REFUSE, "status": 503}, REFUSED],
        [],
        (503, None, "application", "server_error"),
    ),
    "refused in part": (["receive", REFUSE], [], (401, None, None, "server_error", "no_close")),
    "not answered": (["receive"], [], (500, None, None, "server_error", "no_close")),
    "raised before the accept": (
        ["receive", BrokenError()],
        [],
        (500, None, None, "server_error", "error"),
    ),
    "cancelled before the accept": (
        ["receive", asyncio.CancelledError()],
        [],
        (None, None, None, "aborted", "cancelled"),
    ),
    "the client left before the accept": (
        ["receive", "receive"],
        [gone(1006)],
        (None, None, "peer", "aborted", "client_disconnect"),
    ),
}
each_ending = pytest.mark.parametrize(("steps", "incoming", "told"), ENDINGS.values(), ids=ENDINGS)


@each_ending
def test_an_ending_has_its_account(
    sockets: "Sockets", ending: "type[Ending]", steps: list[Any], incoming: list[Any], told: tuple[Any, ...]
) -> None:
    got = sockets.ending_of(bare(*steps), "/", *incoming)

    assert got == ending("_unmatched", *told)


@each_ending
def test_the_server_sees_a_connection_as_it_would_without_observekit(
    sockets: "Sockets", steps: list[Any], incoming: list[Any], told: Any
) -> None:
    app = bare(*steps)

    without = sockets.bench.run(sockets.connection("/", *incoming).make(app))
    observed = sockets.connect(app, "/", *incoming)

    assert observed.sent == without.sent
    assert observed.incoming == without.incoming
    assert observed.error is without.error


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (ACCEPT, (None, None, "peer", "aborted", "client_disconnect")),
        (TEXT, (101, 1006, "peer", "aborted", "client_disconnect")),
        (CLOSE, (101, 1006, "peer", "aborted", "client_disconnect")),
    ],
    ids=lambda one: one["type"] if isinstance(one, dict) else "",
)
def test_a_server_that_raises_because_nobody_is_there_means_a_disconnect(
    sockets: "Sockets", ending: "type[Ending]", refused: Any, told: tuple[Any, ...]
) -> None:
    one = sockets.connection()

    async def send(message: Any) -> None:
        if message == refused:
            raise OSError("the client is gone")

    one.send = send
    sockets.bench.run(one.make(sockets.bench.layer(bare(*OPEN, TEXT, CLOSE))))

    assert isinstance(one.error, OSError)
    assert sockets.ending() == ending("_unmatched", *told)


def test_a_close_that_the_server_does_not_take_is_none(sockets: "Sockets", ending: "type[Ending]") -> None:
    one = sockets.connection("/", gone(1001))

    async def send(message: Any) -> None:
        if message == CLOSE:
            raise RuntimeError("not now")

    async def forgiving(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(dict(ACCEPT))
        with pytest.raises(RuntimeError):
            await send(dict(CLOSE))
        await receive()

    one.send = send
    sockets.bench.run(one.make(sockets.bench.layer(forgiving)))

    assert sockets.ending() == ending("_unmatched", 101, 1001, "peer", "ok")


def test_what_the_server_says_to_a_close_is_not_the_client_closing(
    sockets: "Sockets", ending: "type[Ending]"
) -> None:
    """An application that reads in one task hears of its own close while the other still sends it."""
    one = sockets.connection("/", gone(1005))
    heard = asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            await heard.wait()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(dict(ACCEPT))
        closing = asyncio.create_task(send(close(1008)))
        await asyncio.sleep(0)
        await receive()
        heard.set()
        await closing

    one.send = send
    sockets.bench.run(one.make(sockets.bench.layer(app)))

    assert sockets.ending() == ending("_unmatched", 101, 1008, "application", "client_error")


@pytest.mark.parametrize("code", [1016, 2999, 3001, 4000, 4999, 65535, -1, True, 10**30])
def test_a_code_without_a_common_meaning_cannot_make_a_new_series(sockets: "Sockets", code: int) -> None:
    sockets.connect(bare(*OPEN, "receive"), "/", gone(code))

    assert sockets.durations() == {("_unmatched", "_OTHER"): 1}


def test_a_thousand_invented_codes_are_one_series(sockets: "Sockets") -> None:
    layer = sockets.bench.layer(bare(*OPEN, "receive"))

    for code in range(4000, 5000):
        sockets.bench.run(sockets.connection("/", gone(code)).make(layer))

    assert sockets.durations() == {("_unmatched", "_OTHER"): 1000}


def test_a_connection_that_trio_cancels_is_no_error(sockets: "Sockets", ending: "type[Ending]") -> None:
    async def hang(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(dict(ACCEPT))
        scope_of_test.cancel()
        await trio.sleep_forever()

    scope_of_test = trio.CancelScope()

    async def cancel() -> None:
        with scope_of_test:
            one = sockets.connection()
            await sockets.bench.layer(hang)(one.scope(), one.receive, one.send)

    trio.run(cancel)

    assert sockets.ending() == ending("_unmatched", 101, 1006, None, "aborted", "cancelled")
