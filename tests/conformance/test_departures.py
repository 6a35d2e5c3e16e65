"""Clients that leave, and requests that are given up, are counted once and are no failure of the service."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from .apps import BrokenError, endless, fails, hangs, one_route, page, reads
from .client import Counted, Visit, ask, run
from .subjects import Aborted, Subject

NOTHING_SEEN = (None, 499)
"""What may stand for a client that got nothing; 499 is what some proxies write."""


def abandoned(route: str | None, method: str = "GET") -> list[list[Counted]]:
    return [[Counted(method, route, status)] for status in NOTHING_SEEN]


@pytest.mark.parametrize("refuses", [False, True], ids=["server ignores", "server refuses"])
def test_a_client_that_leaves_while_its_body_is_read_got_nothing(subject: Subject, refuses: bool) -> None:
    app = Starlette(routes=[Route("/in", reads, methods=["POST"])])

    seen = ask(subject.wrap(app), "/in", "POST", body=[b"one", b"two"], leaves_after=0, refuses=refuses)

    assert seen.status is None
    assert subject.requests() in abandoned("/in", "POST")


@pytest.mark.parametrize("refuses", [False, True], ids=["server ignores", "server refuses"])
def test_a_client_that_leaves_a_stream_saw_its_status(subject: Subject, refuses: bool) -> None:
    seen = ask(subject.wrap(one_route(endless)), leaves_after=3, refuses=refuses)

    assert (seen.status, len(seen.pieces), seen.complete) == (200, 3, False)
    assert subject.requests() == [seen.told("/")]


@pytest.mark.parametrize("refuses", [False, True], ids=["server ignores", "server refuses"])
def test_nothing_is_in_flight_after_a_client_has_left(subject: Subject, refuses: bool) -> None:
    ask(subject.wrap(one_route(endless)), leaves_after=1, refuses=refuses)

    assert subject.in_flight() == 0


def test_a_client_that_leaves_before_the_answer_got_nothing(subject: Subject) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    seen = ask(subject.wrap(app), leaves_after=0)

    assert seen.status is None
    assert subject.requests() in abandoned(None)


def test_a_request_that_is_cancelled_is_counted_as_one_whose_client_got_nothing(subject: Subject) -> None:
    seen = run(cancelled(subject.wrap(one_route(hangs))))

    assert (seen.status, type(seen.error)) == (None, asyncio.CancelledError)
    assert subject.requests() in abandoned("/")


def test_a_stream_that_is_cancelled_has_the_status_that_is_out(subject: Subject) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    seen = run(cancelled(subject.wrap(app)))

    assert (seen.status, type(seen.error)) == (200, asyncio.CancelledError)
    assert subject.requests() == [seen.told(None)]


def test_nothing_is_in_flight_after_a_request_was_cancelled(subject: Subject) -> None:
    run(cancelled(subject.wrap(one_route(hangs))))

    assert subject.in_flight() == 0


def test_a_client_that_leaves_a_stream_is_told_apart_from_one_that_has_it_all(subject: Subject) -> None:
    app = subject.wrap(one_route(endless))

    ask(app, leaves_after=1, refuses=True)

    assert subject.aborts() == [Aborted("/", "client_disconnect")]


def test_a_client_that_leaves_while_its_body_is_read_is_told_apart(subject: Subject) -> None:
    app = Starlette(routes=[Route("/in", reads, methods=["POST"])])

    ask(subject.wrap(app), "/in", "POST", body=[b"one", b"two"], leaves_after=0)

    assert subject.aborts() == [Aborted("/in", "client_disconnect")]


def test_a_request_that_is_cancelled_is_told_apart(subject: Subject) -> None:
    run(cancelled(subject.wrap(one_route(hangs))))

    assert subject.aborts() == [Aborted("/", "cancelled")]


def test_a_stream_that_fails_in_its_middle_is_told_apart(subject: Subject) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"
        raise BrokenError

    ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert subject.aborts() == [Aborted("/", "error")]


@pytest.mark.parametrize("endpoint", [page, fails])
def test_an_answer_that_comes_to_its_end_is_not_aborted(subject: Subject, endpoint: Any) -> None:
    ask(subject.wrap(one_route(endpoint)))

    assert subject.aborts() == []


async def cancelled(app: Any) -> Visit:
    """Make a request, and cancel it when everything waits for something."""
    visit = Visit()
    task = asyncio.create_task(visit.make(app))
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    return await task
