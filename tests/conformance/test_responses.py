"""Responses of every form are counted once, with the status that went to the client."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from .apps import BrokenError, one_route
from .client import ask
from .subjects import Subject


@pytest.mark.parametrize("status", [200, 201, 202, 204, 205, 302, 304, 400, 401, 403, 409, 422, 429, 503])
def test_a_status_is_the_one_that_the_client_saw(subject: Subject, status: int) -> None:
    seen = ask(subject.wrap(one_route(lambda _: Response(status_code=status))))

    assert seen.status == status
    assert subject.requests() == [seen.told("/")]


def test_a_redirect_that_an_endpoint_answers_is_counted_at_its_route(subject: Subject) -> None:
    seen = ask(subject.wrap(one_route(lambda _: RedirectResponse("/other"))))

    assert seen.status == 307
    assert subject.requests() == [seen.told("/")]


def test_a_stream_is_one_request(subject: Subject) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(20):
            yield str(number).encode()

    seen = ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert (seen.status, len(seen.pieces), seen.complete) == (200, 21, True)
    assert subject.requests() == [seen.told("/")]


def test_a_stream_of_a_thread_is_one_request(subject: Subject) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"one", b"two")

    seen = ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert (seen.status, seen.pieces, seen.complete) == (200, [b"one", b"two", b""], True)
    assert subject.requests() == [seen.told("/")]


def test_a_stream_of_events_is_one_request(subject: Subject) -> None:
    async def events() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    app = one_route(lambda _: StreamingResponse(events(), media_type="text/event-stream"))
    seen = ask(subject.wrap(app))

    assert (seen.status, len(seen.pieces), seen.complete) == (200, 4, True)
    assert subject.requests() == [seen.told("/")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "page.txt").write_text("x" * 200_000)
    return tmp_path / "page.txt"


RANGES = [
    (None, 200, 200_000),
    ("bytes=0-9", 206, 10),
    ("bytes=0-9,20-29", 206, None),
    ("bytes=999999-", 416, 0),
]


@pytest.mark.parametrize(("part", "status", "size"), RANGES)
def test_a_file_and_a_range_of_it_is_one_request(
    subject: Subject, file: Path, part: str | None, status: int, size: int | None
) -> None:
    headers = {} if part is None else {"range": part}

    seen = ask(subject.wrap(one_route(lambda _: FileResponse(file))), headers=headers)

    assert seen.status == status
    assert size in (None, sum(map(len, seen.pieces)))
    assert subject.requests() == [seen.told("/")]


class ByPath(Response):
    """A file that the server is to send; newer releases of Starlette have it in FileResponse."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 -- as ASGI has it
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.pathsend", "path": "/file"})


def test_a_file_that_the_server_sends_by_its_path_is_one_request(subject: Subject) -> None:
    app = one_route(lambda _: ByPath())

    seen = ask(subject.wrap(app), extensions={"http.response.pathsend": {}})

    assert [message["type"] for message in seen.sent] == ["http.response.start", "http.response.pathsend"]
    assert subject.requests() == [seen.told("/")]


def test_a_file_that_the_client_has_already_is_304(subject: Subject, file: Path) -> None:
    files = Starlette(routes=[Mount("/static", StaticFiles(directory=file.parent))])
    headers = {"if-modified-since": "Fri, 31 Dec 2100 23:59:59 GMT"}

    seen = ask(subject.wrap(files), "/static/page.txt", headers=headers)

    assert seen.status == 304
    assert subject.requests() == [seen.told("/static")]


def test_head_of_a_file_has_no_body(subject: Subject, file: Path) -> None:
    seen = ask(subject.wrap(one_route(lambda _: FileResponse(file))), method="HEAD")

    assert (seen.status, b"".join(seen.pieces)) == (200, b"")
    assert subject.requests() == [seen.told("/")]


def test_a_response_with_trailers_is_one_request(subject: Subject) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": b"x", "more_body": False})
        await send({"type": "http.response.trailers", "headers": [], "more_trailers": False})

    seen = ask(subject.wrap(app), extensions={"http.response.trailers": {}})

    assert [message["type"].rpartition(".")[2] for message in seen.sent] == ["start", "body", "trailers"]
    assert subject.requests() == [seen.told(None)]


def test_a_request_whose_background_task_fails_is_what_its_client_saw(subject: Subject) -> None:
    def fail() -> None:
        raise BrokenError

    def answer(request: Request) -> Response:
        return PlainTextResponse("page", background=BackgroundTask(fail))

    seen = ask(subject.wrap(one_route(answer)))

    assert (seen.status, seen.complete) == (200, True)
    assert subject.requests() == [seen.told("/")]
