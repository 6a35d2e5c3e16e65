"""Every way in which a request can end has its own account: method, route, status, outcome and reason."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

if TYPE_CHECKING:
    from tests.http.conftest import Account, Bench

GONE = {"type": "http.disconnect"}
START = {"type": "http.response.start", "status": 200, "headers": []}
PIECE = {"type": "http.response.body", "body": b"piece", "more_body": True}
LAST = {"type": "http.response.body", "body": b"last"}


class Broken(Exception):
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
    "raised before the start": ([Broken()], ("_unmatched", 500, "server_error", "error")),
    "raised after the start": ([START, Broken()], ("_unmatched", 200, "server_error", "error")),
    "raised in the middle": ([START, PIECE, Broken()], ("_unmatched", 200, "server_error", "error")),
    "raised after the end": ([START, LAST, Broken()], ("_unmatched", 200, "server_error", None)),
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
        [BaseExceptionGroup("tasks", [asyncio.CancelledError(), Broken()])],
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


METHODS = [("GET", "GET", 200), ("HEAD", "HEAD", 200), ("POST", "POST", 405), ("OPTIONS", "OPTIONS", 405)]


@pytest.mark.parametrize(("method", "told", "status"), METHODS)
def test_a_known_method_is_called_by_its_name(
    bench: "Bench", account: "type[Account]", method: str, told: str, status: int
) -> None:
    app = one_route(lambda request: PlainTextResponse("x"), "/x/{y}")

    got = bench.account_of(app, "/x/1", method)

    assert got == account(told, "/x/{y}", status, "ok" if status == 200 else "client_error")


@pytest.mark.parametrize("method", ["BREW", "get", "", "X" * 5000, "GÉT"])
def test_an_unknown_method_cannot_make_a_new_series(bench: "Bench", method: str) -> None:
    app = one_route(lambda request: PlainTextResponse("x"))

    bench.call(app, "/", method)

    assert bench.durations() == {("_OTHER", "/", "405"): 1}
    assert bench.in_flight() == 0
    (span,) = bench.server_spans()
    assert span.name == "HTTP /"
    assert span.attributes is not None
    assert span.attributes["http.request.method_original"] == method[:1024]


def test_an_exception_that_the_error_page_answers_is_an_error_with_its_status(
    bench: "Bench", account: "type[Account]"
) -> None:
    def fail(request: Request) -> Response:
        raise Broken

    got = bench.account_of(one_route(fail))

    assert got == account("GET", "/", 500, "server_error")
    (span,) = bench.server_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "Broken"
    assert [event.name for event in span.events] == ["exception"]


def test_an_exception_that_a_handler_answers_is_what_the_handler_made_of_it(
    bench: "Bench", account: "type[Account]"
) -> None:
    def fail(request: Request) -> Response:
        raise HTTPException(418)

    got = bench.account_of(one_route(fail))

    assert got == account("GET", "/", 418, "client_error")
    (span,) = bench.server_spans()
    assert span.events == ()


def test_a_redirect_of_slashes_is_no_route(bench: "Bench", account: "type[Account]") -> None:
    app = Starlette(routes=[Mount("/sub", routes=[Route("/x/", lambda request: PlainTextResponse("x"))])])

    got = bench.account_of(app, "/sub/x")

    assert got == account("GET", "_unmatched", 307, "ok")


def test_a_background_task_is_not_in_the_latency(bench: "Bench", account: "type[Account]") -> None:
    before = perf_counter()
    answered: list[float] = []

    def work() -> None:
        answered.append(perf_counter() - before)
        _wait_until(lambda: perf_counter() - before > 3 * answered[0])

    app = one_route(lambda request: PlainTextResponse("x", background=BackgroundTask(work)))
    got = bench.account_of(app)

    assert got == account("GET", "/", 200, "ok")
    assert bench.seconds() <= answered[0]


def test_a_background_task_that_fails_is_an_error_after_an_answer(
    bench: "Bench", account: "type[Account]"
) -> None:
    def work() -> None:
        raise Broken

    app = one_route(lambda request: PlainTextResponse("x", background=BackgroundTask(work)))

    got = bench.account_of(app)

    assert got == account("GET", "/", 200, "server_error")


def test_a_stream_lasts_until_its_last_byte(bench: "Bench", account: "type[Account]") -> None:
    before = perf_counter()
    first: list[float] = []

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        first.append(perf_counter() - before)
        _wait_until(lambda: perf_counter() - before > 3 * first[0])
        yield b"two"

    got = bench.account_of(one_route(lambda request: StreamingResponse(pieces())))

    assert got == account("GET", "/", 200, "ok")
    assert bench.seconds() >= 2 * first[0]
    assert bench.events[0]["time_to_first_byte_seconds"] <= round(first[0], 6)
    assert bench.events[0]["response_bytes"] == 6


def _wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


def test_a_client_that_leaves_a_stream_has_aborted_it(
    bench: "Bench", account: "type[Account]", call: Any
) -> None:
    one = call()
    gone = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"piece"
            gone.set()
            await asyncio.sleep(0)

    async def receive() -> Any:
        await gone.wait()
        return dict(GONE)

    one.receive = receive
    bench.run(one.make(bench.layer(one_route(lambda request: StreamingResponse(endless())))))

    assert bench.account() == account("GET", "/", 200, "aborted", "client_disconnect")


def test_a_client_that_leaves_while_its_body_is_read_has_aborted(
    bench: "Bench", account: "type[Account]"
) -> None:
    async def read(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    incoming = [{"type": "http.request", "body": b"x", "more_body": True}, dict(GONE)]
    got = bench.account_of(one_route(read, methods=["POST"]), method="POST", incoming=incoming)

    # The error page of a client that is not there goes nowhere.
    assert got == account("POST", "/", None, "aborted", "client_disconnect")


def test_a_request_whose_task_is_cancelled_is_no_error(
    bench: "Bench", account: "type[Account]", call: Any
) -> None:
    started = asyncio.Event()

    async def hang(request: Request) -> Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def cancel() -> str:
        task = asyncio.create_task(bench.layer(one_route(hang))(*_connection(call())))
        await started.wait()
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        return str(raised.value)

    said = bench.run(cancel())

    assert said == "enough"
    assert bench.account() == account("GET", "/", None, "aborted", "cancelled")


def _connection(one: Any) -> tuple[Any, Any, Any]:
    return one.scope(), one.receive, one.send


def test_two_requests_at_once_are_two_accounts(bench: "Bench", call: Any) -> None:
    inside = {"/slow/1": asyncio.Event(), "/slow/2": asyncio.Event()}
    most: list[float] = []

    async def slow(request: Request) -> Response:
        mine, others = request.url.path, {"/slow/1": "/slow/2", "/slow/2": "/slow/1"}
        inside[mine].set()
        await inside[others[mine]].wait()
        most.append(bench.in_flight())
        return PlainTextResponse("x", status_code=200 if mine.endswith("1") else 503)

    layer = bench.layer(one_route(slow, "/slow/{which}"))

    async def both() -> None:
        await asyncio.gather(call("/slow/1").make(layer), call("/slow/2", "HEAD").make(layer))

    bench.run(both())

    assert max(most) == 2
    assert bench.in_flight() == 0
    assert bench.durations() == {("GET", "/slow/{which}", "200"): 1, ("HEAD", "/slow/{which}", "503"): 1}
    assert len({event["trace_id"] for event in bench.events}) == 2


def test_an_application_in_an_application_counts_once_when_both_are_observed(
    bench: "Bench", account: "type[Account]"
) -> None:
    inner = one_route(lambda request: PlainTextResponse("x"), "/x/{y}")
    outer = Starlette(routes=[Mount("/in", app=bench.layer(inner))])

    got = bench.account_of(bench.layer(outer), "/in/x/1")

    assert got == account("GET", "/in/x/{y}", 200, "ok")


def test_two_applications_of_one_kit_are_counted_apart(bench: "Bench", call: Any) -> None:
    first = bench.layer(one_route(lambda request: PlainTextResponse("x"), "/first"))
    second = bench.layer(one_route(lambda request: PlainTextResponse("x"), "/second"))

    async def both() -> None:
        await call("/first").make(first)
        await call("/second").make(second)

    bench.run(both())

    assert bench.durations() == {("GET", "/first", "200"): 1, ("GET", "/second", "200"): 1}


def test_a_coroutine_that_is_thrown_away_is_a_cancelled_request_without_a_word(
    bench: "Bench", account: "type[Account]", call: Any, caplog: pytest.LogCaptureFixture
) -> None:
    started = asyncio.Event()

    async def hang(request: Request) -> Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def throw_away() -> None:
        work = bench.layer(one_route(hang))(*_connection(call()))
        task = asyncio.create_task(_first_step(work))
        await task
        work.close()  # type: ignore[attr-defined] -- a coroutine, closed in another context than its own

    bench.run(throw_away())

    assert bench.account() == account("GET", "/", None, "aborted", "cancelled")
    assert caplog.records == []


async def _first_step(work: Any) -> None:
    work.send(None)


def test_an_exception_is_let_go_when_its_request_is_over(bench: "Bench") -> None:
    class Big:
        """What a frame of the application holds."""

    held: list[Callable[[], object]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        big = Big()
        held.append(weakref.ref(big))
        raise Broken

    gc.disable()
    try:
        bench.call(app).error = None
        left = held[0]()
    finally:
        gc.enable()

    assert left is None
