"""Nothing of an application changes by being observed, also where what observes it fails."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.often import often

if TYPE_CHECKING:
    from tests.http.conftest import Bench

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b"last"}


class BrokenError(Exception):
    """What the application raises."""


class UnspeakableError(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send(dict(START))
    await send(dict(LAST))


MESSAGES: st.SearchStrategy[Any] = st.sampled_from(
    [
        dict(START),
        {**START, "status": 503},
        {**START, "trailers": True},
        {**START, "status": "200"},
        {"type": "http.response.start"},
        dict(LAST),
        {"type": "http.response.body"},
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.body", "body": None},
        {"type": "http.response.body", "body": "text", "more_body": None},
        {"type": "http.response.trailers", "headers": [], "more_trailers": True},
        {"type": "http.response.trailers"},
        {"type": "http.response.pathsend", "path": "/x"},
        {"type": "http.response.zerocopysend", "file": 1, "more_body": True},
        {"type": "http.response.push", "path": "/x", "headers": []},
        {"type": "http.response.early_hint", "links": []},
        {"type": "http.response.debug", "info": {}},
        {"type": "websocket.accept"},
        {"type": "of.tomorrow"},
        {"type": None},
        {"type": ["http.response.start"]},
        {},
        None,
        [],
    ]
)
ENDS = st.sampled_from(
    [
        None,
        BrokenError,
        UnspeakableError,
        asyncio.CancelledError,
        KeyboardInterrupt,
        SystemExit,
        GeneratorExit,
    ]
)
INCOMING: st.SearchStrategy[Any] = st.sampled_from(
    [{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}, {"type": "of.tomorrow"}, {}, None]
)
REFUSALS = st.sampled_from([None, OSError, RuntimeError, asyncio.CancelledError])


@pytest.mark.often
@given(
    steps=st.lists(st.one_of(MESSAGES, st.just("receive")), max_size=8),
    end=ENDS,
    incoming=st.lists(INCOMING, max_size=3),
    refused=st.dictionaries(st.integers(0, 7), REFUSALS, max_size=2),
)
@settings(max_examples=often(400), deadline=None)
def test_no_order_of_messages_is_changed_or_raises_or_leaves_a_request_in_flight(
    make_unmanaged_bench: "Callable[[], Bench]",
    call: Any,
    steps: list[Any],
    end: type[BaseException] | None,
    incoming: list[Any],
    refused: dict[int, type[BaseException] | None],
) -> None:
    bench = make_unmanaged_bench()
    raised = None if end is None else end()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in steps:
            try:
                await (receive() if step == "receive" else send(step))
            except RuntimeError:
                continue
        if raised is not None:
            raise raised

    def connection() -> Any:
        one = call(incoming=[*incoming, *[{"type": "http.disconnect"}] * 9])

        async def send(message: Any) -> None:
            refusal = refused.get(len(one.sent))
            one.sent.append(message)
            if refusal is not None:
                raise refusal

        one.send = send
        return one

    without = _drive(connection(), app)
    observed = _drive(connection(), bench.layer(app))

    assert observed.sent == without.sent
    assert type(observed.error) is type(without.error)
    assert raised is None or without.error is not raised or observed.error is raised
    assert bench.in_flight() == 0
    assert sum(bench.guard.failures.values()) == 0
    assert len(bench.events) == len(bench.server_spans()) == sum(bench.durations().values()) == 1


def _drive(one: Any, app: Any) -> Any:
    """Run a request without an event loop: nothing in these waits."""
    work = one.make(app)
    try:
        work.send(None)
    except StopIteration:
        return one
    raise AssertionError("the request waits for something")


@pytest.mark.parametrize("kind", ["of.tomorrow", None])
def test_connections_of_other_kinds_pass_by(bench: "Bench", kind: str | None) -> None:
    seen: list[Any] = []
    scope = {"type": kind} if kind else {}

    async def app(*connection: Any) -> None:
        seen.extend(connection)

    receive, send = object(), object()
    bench.run(_connect(bench.layer(app), scope, receive, send))

    assert seen == [scope, receive, send]
    assert seen[0] is scope
    assert (bench.events, bench.durations(), bench.guard.failures["exchange"]) == ([], {}, 0)


async def _connect(app: Any, *connection: Any) -> None:
    await app(*connection)


BROKEN_SCOPES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no headers": ({"headers": ...}, ()),
    "no client": ({"client": ...}, ()),
    "no server": ({"server": ...}, ()),
    "client is None": ({"client": None}, ()),
    "client is a number": ({"client": 5}, ()),
    "headers are texts": ({"headers": [("user-agent", "x")]}, ()),
    "headers are a number": ({"headers": 5}, ("traces",)),
    "header values are texts": ({"headers": [(b"user-agent", "x")]}, ("traces",)),
    "header bytes are of no encoding": ({"headers": [(b"user-agent", b"\xff\xfe\x00")]}, ()),
    "server has no port": ({"server": ("/run/socket",)}, ("traces",)),
    "method is missing": ({"method": ...}, ("exchange",)),
    "method is a list": ({"method": ["GET"]}, ("exchange",)),
    "path is missing": ({"path": ...}, ("exchange",)),
    "path is a number": ({"path": 5}, ("exchange", "traces")),
    "path has lone surrogates": ({"path": "/\udcff"}, ()),
    "root path is a number": ({"root_path": 5}, ("exchange",)),
    "route is a number": ({"route": 5, "endpoint": 6}, ()),
}


@pytest.mark.parametrize(("wrong", "failing"), BROKEN_SCOPES.values(), ids=BROKEN_SCOPES)
def test_a_scope_that_is_wrong_is_answered_as_ever(
    bench: "Bench", call: Any, wrong: dict[str, Any], failing: tuple[str, ...]
) -> None:
    one = call()
    scope = {key: value for key, value in {**one.scope(), **wrong}.items() if value is not ...}

    bench.run(_connect(bench.layer(answer), scope, one.receive, one.send))

    assert one.sent == [START, LAST]
    assert bench.in_flight() == 0
    assert {part for part, failures in bench.guard.failures.items() if failures} <= set(failing)
    assert bool(failing) == bool(sum(bench.guard.failures.values()))


def test_the_traceback_that_reaches_the_server_ends_where_it_did(bench: "Bench") -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise BrokenError

    made = bench.call(fail)

    assert made.error is not None
    frames = []
    trace = made.error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert frames == ["make", "__call__", "fail"]


def test_a_request_on_trio_is_observed(bench: "Bench", call: Any) -> None:
    app = Starlette(routes=[Route("/x/{y}", lambda _: PlainTextResponse("x"))])

    made = trio.run(call("/x/1").make, bench.layer(app))

    assert made.error is None
    assert bench.account().route == "/x/{y}"


def test_a_request_that_trio_cancels_is_no_error(bench: "Bench", call: Any) -> None:
    async def hang(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep_forever()

    async def cancel() -> None:
        with trio.move_on_after(0.01):
            one = call()
            await bench.layer(hang)(one.scope(), one.receive, one.send)

    trio.run(cancel)

    told = bench.account()
    assert (told.status, told.outcome, told.reason) == (None, "aborted", "cancelled")


def test_the_messages_of_a_response_are_those_of_the_application(bench: "Bench") -> None:
    start, last = dict(START), dict(LAST)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send(last)

    made = bench.call(app)

    assert made.sent[0] is start
    assert made.sent[1] is last
    assert (start, last) == (START, LAST)


def test_an_application_is_never_ahead_of_its_server(bench: "Bench", call: Any) -> None:
    produced: list[int] = []
    one = call()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))
        for number in range(100):
            produced.append(number)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send(dict(LAST))

    async def serve() -> list[int]:
        turn = asyncio.Semaphore(0)

        async def send(message: Any) -> None:
            await turn.acquire()  # The client takes one message at a time.

        task = asyncio.create_task(bench.layer(app)(one.scope(), one.receive, send))
        ahead = []
        for taken in range(102):
            for _ in range(5):
                await asyncio.sleep(0)
            ahead.append(len(produced) - max(0, taken - 1))
            turn.release()
        await task
        return ahead

    assert max(bench.run(serve())) <= 1
