"""Every way in which a request can end has its own account: method, route, status, outcome and reason."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.http.conftest import Account, Bench

GONE = {"type": "http.disconnect"}
START = {"type": "http.response.start", "status": 200, "headers": []}
PIECE = {"type": "http.response.body", "body": b"piece", "more_body": True}
LAST = {"type": "http.response.body", "body": b"last"}


class BrokenError(Exception):
    """What the application raises."""


class Ends(BaseException):
    """What no handler of exceptions catches."""


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


def one_route(endpoint: Any, path: str = "/", **more: Any) -> Starlette:
    return Starlette(routes=[Route(path, endpoint, **more)])


ENDINGS = {
    "answered": ([START, LAST], ("_unmatched", 200, "ok", None)),
    "answered with 204": ([{**START, "status": 204}, LAST], ("_unmatched", 204, "ok", None)),
    "answered with 304": ([{**START, "status": 304}, LAST], ("_unmatched", 304, "ok", None)),
    "answered with 404": ([{**START, "status": 404}, LAST], ("_unmatched", 404, "client_error", None)),
    "answered with 503": ([{**START, "status": 503}, LAST], ("_unmatched", 503, "server_error", None)),
    "in pieces": ([START, PIECE, PIECE, LAST], ("_unmatched", 200, "ok", None)),
    "with trailers": (
        [{**START, "trailers": True}, LAST, {"type": "http.response.trailers", "headers": []}],
        ("_unmatched", 200, "ok", None),
    ),
    "without the trailers it promised": (
        [{**START, "trailers": True}, LAST],
        ("_unmatched", 200, "server_error", "no_response"),
    ),
    "as a path": (
        [START, {"type": "http.response.pathsend", "path": "/file"}],
        ("_unmatched", 200, "ok", None),
    ),
    "as a file": (
        [START, {"type": "http.response.zerocopysend", "file": 3}],
        ("_unmatched", 200, "ok", None),
    ),
    "after a hint": (
        [{"type": "http.response.early_hint", "links": []}, START, LAST],
        ("_unmatched", 200, "ok", None),
    ),
    "not at all": ([], ("_unmatched", 500, "server_error", "no_response")),
    "after the start": ([START], ("_unmatched", 200, "server_error", "no_response")),
    "in the middle": ([START, PIECE], ("_unmatched", 200, "server_error", "no_response")),
    "raised before the start": ([BrokenError()], ("_unmatched", 500, "server_error", "error")),
    "raised after the start": ([START, BrokenError()], ("_unmatched", 200, "server_error", "error")),
    "raised in the middle": ([START, PIECE, BrokenError()], ("_unmatched", 200, "server_error", "error")),
    "raised after the end": ([START, LAST, BrokenError()], ("_unmatched", 200, "server_error", None)),
    "exited before the start": ([Ends()], ("_unmatched", 500, "server_error", "error")),
    "cancelled before the start": ([asyncio.CancelledError()], ("_unmatched", None, "aborted", "cancelled")),
    "cancelled in the middle": (
        [START, PIECE, asyncio.CancelledError()],
        ("_unmatched", 200, "aborted", "cancelled"),
    ),
    "cancelled after the end": ([START, LAST, asyncio.CancelledError()], ("_unmatched", 200, "ok", None)),
    "cancelled as a group": (
        [BaseExceptionGroup("tasks", [asyncio.CancelledError(), asyncio.CancelledError()])],
        ("_unmatched", None, "aborted", "cancelled"),
    ),
    "raised and cancelled as a group": (
        [BaseExceptionGroup("tasks", [asyncio.CancelledError(), BrokenError()])],
        ("_unmatched", 500, "server_error", "error"),
    ),
    "the client left before": (["receive"], ("_unmatched", None, "aborted", "client_disconnect")),
    "answered a client that had left": (
        ["receive", START, LAST],
        ("_unmatched", None, "aborted", "client_disconnect"),
    ),
    "raised because the client left": (
        ["receive", ClientDisconnect()],
        ("_unmatched", None, "aborted", "client_disconnect"),
    ),
    "cancelled because the client left": (
        ["receive", asyncio.CancelledError()],
        ("_unmatched", None, "aborted", "client_disconnect"),
    ),
    "the client left in the middle": (
        [START, PIECE, "receive"],
        ("_unmatched", 200, "aborted", "client_disconnect"),
    ),
    "the client left after the end": ([START, LAST, "receive"], ("_unmatched", 200, "ok", None)),
}


@pytest.mark.parametrize(("steps", "told"), ENDINGS.values(), ids=ENDINGS)
def test_an_ending_has_its_account(
    bench: "Bench", account: "type[Account]", steps: list[Any], told: tuple[Any, ...]
) -> None:
    app = bare(*steps)

    got = bench.account_of(app, incoming=[dict(GONE)])

    assert got == account("GET", *told)


@pytest.mark.parametrize(("steps", "told"), ENDINGS.values(), ids=ENDINGS)
def test_the_server_sees_an_ending_as_it_would_without_observekit(
    bench: "Bench", call: Any, steps: list[Any], told: Any
) -> None:
    app = bare(*steps)

    without = bench.run(call(incoming=[dict(GONE)]).make(app))
    observed = bench.call(app, incoming=[dict(GONE)])

    assert observed.sent == without.sent
    assert observed.error is without.error


@pytest.mark.parametrize("refused", [START, PIECE, LAST])
def test_a_server_that_raises_because_nobody_is_there_means_a_disconnect(
    bench: "Bench", account: "type[Account]", call: Any, refused: Any
) -> None:
    one = call()

    async def send(message: Any) -> None:
        if message == refused:
            raise OSError("the client is gone")

    one.send = send
    bench.run(one.make(bench.layer(bare(START, PIECE, LAST))))

    status = None if refused is START else 200
    assert isinstance(one.error, OSError)
    assert bench.account() == account("GET", "_unmatched", status, "aborted", "client_disconnect")


def test_a_last_piece_that_the_server_does_not_take_is_no_response(
    bench: "Bench", account: "type[Account]", call: Any
) -> None:
    one = call()

    async def send(message: Any) -> None:
        if message == LAST:
            raise RuntimeError("Response content shorter than Content-Length")

    async def forgiving(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))
        try:
            await send(dict(LAST))
        except RuntimeError:
            return

    one.send = send
    bench.run(one.make(bench.layer(forgiving)))

    assert bench.account() == account("GET", "_unmatched", 200, "server_error", "no_response")


def test_what_the_server_says_to_the_last_piece_is_that_it_was_the_last(
    bench: "Bench", account: "type[Account]", call: Any
) -> None:
    """A framework reads the disconnect that follows on a complete response while it still sends."""
    one = call(incoming=[{"type": "http.request"}, dict(GONE)])
    read = asyncio.Event()

    async def send(message: Any) -> None:
        one.sent.append(message)
        if message == LAST:
            await read.wait()

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(dict(START))
        sending = asyncio.create_task(send(dict(LAST)))
        await asyncio.sleep(0)
        await receive()
        sending.cancel()
        await asyncio.wait([sending])

    one.send = send
    bench.run(one.make(bench.layer(listening)))

    assert bench.account() == account("GET", "_unmatched", 200, "ok")
    assert bench.events[0]["response_bytes"] == len(b"last")


def test_a_server_that_gives_up_the_last_piece_has_cancelled(
    bench: "Bench", account: "type[Account]", call: Any
) -> None:
    one = call()

    async def send(message: Any) -> None:
        if message == LAST:
            raise asyncio.CancelledError

    one.send = send
    bench.run(one.make(bench.layer(bare(START, LAST))))

    assert bench.account() == account("GET", "_unmatched", 200, "aborted", "cancelled")
