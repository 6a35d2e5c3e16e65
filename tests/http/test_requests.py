"""Requests to real applications, one by one and at once: what is told is what was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

if TYPE_CHECKING:
    from tests.http.conftest import Account, Bench

GONE = {"type": "http.disconnect"}


class BrokenError(Exception):
    """What the application raises."""


def one_route(endpoint: Any, path: str = "/", **more: Any) -> Starlette:
    return Starlette(routes=[Route(path, endpoint, **more)])


METHODS = [("GET", "GET", 200), ("HEAD", "HEAD", 200), ("POST", "POST", 405), ("OPTIONS", "OPTIONS", 405)]


@pytest.mark.parametrize(("method", "told", "status"), METHODS)
def test_a_known_method_is_called_by_its_name(
    bench: "Bench", account: "type[Account]", method: str, told: str, status: int
) -> None:
    app = one_route(lambda _: PlainTextResponse("x"), "/x/{y}")

    got = bench.account_of(app, "/x/1", method)

    assert got == account(told, "/x/{y}", status, "ok" if status == 200 else "client_error")


@pytest.mark.parametrize("method", ["BREW", "get", "", "X" * 5000, "GÉT"])
def test_an_unknown_method_cannot_make_a_new_series(bench: "Bench", method: str) -> None:
    app = one_route(lambda _: PlainTextResponse("x"))

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
        raise BrokenError

    got = bench.account_of(one_route(fail))

    assert got == account("GET", "/", 500, "server_error")
    (span,) = bench.server_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "BrokenError"
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
    app = Starlette(routes=[Mount("/sub", routes=[Route("/x/", lambda _: PlainTextResponse("x"))])])

    got = bench.account_of(app, "/sub/x")

    assert got == account("GET", "_unmatched", 307, "ok")


def test_a_background_task_is_not_in_the_latency(bench: "Bench", account: "type[Account]") -> None:
    before = perf_counter()
    answered: list[float] = []

    def work() -> None:
        answered.append(perf_counter() - before)
        _wait_until(lambda: perf_counter() - before > 3 * answered[0])

    app = one_route(lambda _: PlainTextResponse("x", background=BackgroundTask(work)))
    got = bench.account_of(app)

    assert got == account("GET", "/", 200, "ok")
    assert bench.seconds() <= answered[0]


def test_a_background_task_that_fails_is_an_error_after_an_answer(
    bench: "Bench", account: "type[Account]"
) -> None:
    def work() -> None:
        raise BrokenError

    app = one_route(lambda _: PlainTextResponse("x", background=BackgroundTask(work)))

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

    got = bench.account_of(one_route(lambda _: StreamingResponse(pieces())))

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
    bench.run(one.make(bench.layer(one_route(lambda _: StreamingResponse(endless())))))

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
    inner = one_route(lambda _: PlainTextResponse("x"), "/x/{y}")
    outer = Starlette(routes=[Mount("/in", app=bench.layer(inner))])

    got = bench.account_of(bench.layer(outer), "/in/x/1")

    assert got == account("GET", "/in/x/{y}", 200, "ok")


def test_two_applications_of_one_kit_are_counted_apart(bench: "Bench", call: Any) -> None:
    first = bench.layer(one_route(lambda _: PlainTextResponse("x"), "/first"))
    second = bench.layer(one_route(lambda _: PlainTextResponse("x"), "/second"))

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
        work: Any = bench.layer(one_route(hang))(*_connection(call()))
        task = asyncio.create_task(_first_step(work))
        await task
        work.close()  # A coroutine, closed in another context than its own.

    bench.run(throw_away())

    assert bench.account() == account("GET", "/", None, "aborted", "cancelled")
    assert caplog.records == []


async def _first_step(work: Any) -> None:
    work.send(None)
