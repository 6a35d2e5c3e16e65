"""Sizes are the bytes that went over the wire as bodies, whatever a header says of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .apps import one_route
from .client import ask
from .subjects import Subject


def test_the_size_of_a_response_is_that_of_its_body(subject: Subject) -> None:
    seen = ask(subject.wrap(one_route(lambda _: PlainTextResponse("x" * 5000))))

    assert len(b"".join(seen.pieces)) == 5000
    assert subject.body_bytes() == (0, 5000)


def test_the_size_of_a_stream_is_that_of_all_pieces(subject: Subject) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 500

    seen = ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert len(b"".join(seen.pieces)) == 5000
    assert subject.body_bytes() == (0, 5000)


def test_the_size_of_a_stream_of_events_is_that_of_all_events(subject: Subject) -> None:
    async def events() -> AsyncIterator[str]:
        for _ in range(10):
            yield "data: é\n\n"

    seen = ask(subject.wrap(one_route(lambda _: StreamingResponse(events(), media_type="text/event-stream"))))

    assert subject.body_bytes() == (0, len(b"".join(seen.pieces)))


def test_the_size_of_a_stream_that_its_client_leaves_is_what_was_sent(subject: Subject) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 500

    seen = ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))), leaves_after=3, refuses=True)

    assert len(b"".join(seen.pieces)) == 1500
    assert subject.body_bytes() == (0, 1500)


def test_the_size_of_a_range_is_that_of_the_range(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("x" * 5000)
    app = one_route(lambda _: FileResponse(tmp_path / "page.txt"))

    seen = ask(subject.wrap(app), headers={"range": "bytes=10-19"})

    assert seen.status == 206
    assert subject.body_bytes() == (0, 10)


def test_an_answer_to_head_has_no_size_whatever_its_header_says(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("x" * 5000)
    app = one_route(lambda _: FileResponse(tmp_path / "page.txt"))

    seen = ask(subject.wrap(app), method="HEAD")

    assert (seen.status, b"".join(seen.pieces)) == (200, b"")
    assert subject.body_bytes() == (0, 0)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_no_size(subject: Subject, status: int) -> None:
    headers = {"content-length": "5000"} if status == 304 else {}

    ask(subject.wrap(one_route(lambda _: Response(status_code=status, headers=headers))))

    assert subject.body_bytes() == (0, 0)


def upload(subject: Subject) -> Any:
    async def takes(request: Request) -> Response:
        await request.body()
        return Response()

    return subject.wrap(Starlette(routes=[Route("/", takes, methods=["POST"])]))


@pytest.mark.parametrize(
    "headers",
    [{"content-length": "1500"}, {"transfer-encoding": "chunked"}],
    ids=["of a length", "in chunks"],
)
def test_the_size_of_a_request_is_what_was_received(subject: Subject, headers: dict[str, str]) -> None:
    ask(upload(subject), method="POST", body=[b"x" * 500] * 3, headers=headers)

    assert subject.body_bytes() == (1500, 0)
