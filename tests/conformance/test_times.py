"""The duration is what the client waited for, on a clock that moves when the test says so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .apps import BrokenError, one_route
from .client import Visit, ask, run
from .subjects import Subject

if TYPE_CHECKING:
    from .conftest import Clock

Begin = Callable[[], "Clock"]


def test_the_duration_is_the_time_that_the_endpoint_takes(subject: Subject, clock: Begin) -> None:
    async def work(request: Request) -> Response:
        time.passes(2)
        return PlainTextResponse("page")

    app = subject.wrap(one_route(work))
    time = clock()
    ask(app)

    assert subject.seconds() == 2


def test_the_duration_of_a_stream_lasts_until_its_last_byte(subject: Subject, clock: Begin) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            time.passes(2)
            yield b"piece"

    app = subject.wrap(one_route(lambda _: StreamingResponse(pieces())))
    time = clock()
    ask(app)

    assert subject.seconds() == 6


def test_the_duration_of_a_stream_has_the_time_that_a_slow_client_takes(
    subject: Subject, clock: Begin
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"piece"

    app = subject.wrap(one_route(lambda _: StreamingResponse(pieces())))
    time = clock()
    ask(app, on_piece=lambda number: time.passes(2) if number <= 3 else None)

    assert subject.seconds() == 6


def test_a_background_task_is_not_in_the_duration(subject: Subject, clock: Begin) -> None:
    async def work(request: Request) -> Response:
        time.passes(2)
        return PlainTextResponse("page", background=BackgroundTask(lambda: time.passes(60)))

    app = subject.wrap(one_route(work))
    time = clock()
    ask(app)

    assert subject.seconds() == 2


def test_background_tasks_after_a_stream_are_not_in_the_duration(subject: Subject, clock: Begin) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        time.passes(2)
        yield b"piece"

    async def later() -> None:
        time.passes(60)

    async def work(request: Request) -> Response:
        tasks = BackgroundTasks()
        tasks.add_task(later)
        tasks.add_task(later)
        return StreamingResponse(pieces(), background=tasks)

    app = subject.wrap(one_route(work))
    time = clock()
    ask(app)

    assert subject.seconds() == 2


def test_the_duration_of_a_request_that_fails_lasts_until_its_error_page(
    subject: Subject, clock: Begin
) -> None:
    async def work(request: Request) -> Response:
        time.passes(2)
        raise BrokenError

    app = subject.wrap(one_route(work))
    time = clock()
    ask(app)

    assert subject.seconds() == 2


def test_the_duration_of_a_request_that_its_client_leaves_lasts_until_then(
    subject: Subject, clock: Begin
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"piece"

    app = subject.wrap(one_route(lambda _: StreamingResponse(pieces())))
    time = clock()
    ask(app, leaves_after=3, refuses=True, on_piece=lambda _: time.passes(2))

    assert subject.seconds() == 6


@pytest.mark.parametrize("media_type", ["text/plain", "text/event-stream"])
def test_the_time_to_the_first_byte_ends_where_a_stream_begins(
    subject: Subject, clock: Begin, media_type: str
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            time.passes(20)
            yield b"data: piece\n\n"

    async def work(request: Request) -> Response:
        time.passes(2)
        return StreamingResponse(pieces(), media_type=media_type)

    app = subject.wrap(one_route(work))
    time = clock()
    ask(app)

    assert subject.first_byte_seconds() == 2
    assert subject.seconds() == 62


def test_a_client_that_got_nothing_has_no_first_byte(subject: Subject, clock: Begin) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        time.passes(2)
        while (await receive())["type"] != "http.disconnect":
            pass

    wrapped = subject.wrap(app)
    time = clock()
    ask(wrapped, leaves_after=0)

    assert subject.first_byte_seconds() == 0


def test_the_time_of_background_tasks_is_told_apart(subject: Subject, clock: Begin) -> None:
    async def work(request: Request) -> Response:
        time.passes(2)
        return PlainTextResponse("page", background=BackgroundTask(lambda: time.passes(60)))

    app = subject.wrap(one_route(work))
    time = clock()
    ask(app)

    assert subject.background_seconds() == 60


def test_a_background_task_that_fails_took_its_time(subject: Subject, clock: Begin) -> None:
    def fail() -> None:
        time.passes(60)
        raise BrokenError

    app = subject.wrap(one_route(lambda _: PlainTextResponse("page", background=BackgroundTask(fail))))
    time = clock()
    ask(app)

    assert subject.background_seconds() == 60


def test_a_stream_has_no_background_time(subject: Subject, clock: Begin) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            time.passes(20)
            yield b"piece"

    app = subject.wrap(one_route(lambda _: StreamingResponse(pieces())))
    time = clock()
    ask(app)

    assert subject.background_seconds() == 0


class Meeting:
    """Two endpoints that wait until the test lets each go on."""

    def __init__(self) -> None:
        self.go = {"/one": asyncio.Event(), "/two": asyncio.Event()}

    async def endpoint(self, request: Request) -> Response:
        await self.go[request.url.path].wait()
        return PlainTextResponse("page", 200 if request.url.path == "/one" else 404)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/one", self.endpoint), Route("/two", self.endpoint)])


@pytest.mark.parametrize("order", [("/one", "/two"), ("/two", "/one")])
def test_two_requests_at_once_are_each_counted_as_what_they_are(
    subject: Subject, order: tuple[str, str]
) -> None:
    meeting = Meeting()
    app = subject.wrap(meeting.app())
    in_flight: list[float] = []

    async def meet() -> list[Visit]:
        tasks = {path: asyncio.create_task(Visit(path).make(app)) for path in ("/one", "/two")}
        for _ in range(20):
            await asyncio.sleep(0)
        in_flight.append(subject.in_flight())
        for path in order:
            meeting.go[path].set()
            await tasks[path]
            in_flight.append(subject.in_flight())
        return [task.result() for task in tasks.values()]

    one, two = run(meet())

    assert (one.status, two.status) == (200, 404)
    assert in_flight == [2, 1, 0]
    assert subject.requests() == [one.told("/one"), two.told("/two")]


def test_a_stream_is_in_flight_until_its_last_byte(subject: Subject) -> None:
    in_flight: list[float] = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(2):
            in_flight.append(subject.in_flight())
            yield b"piece"

    ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert [*in_flight, subject.in_flight()] == [1, 1, 0]
