"""What an application raises reaches its server, and is counted as what the client saw of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount

from .apps import BrokenError, fails, one_route
from .client import ask
from .subjects import Subject


@pytest.mark.parametrize("debug", [False, True])
def test_an_exception_that_the_error_page_answers_is_500(subject: Subject, debug: bool) -> None:
    seen = ask(subject.wrap(one_route(fails, debug=debug)))

    assert (seen.status, type(seen.error)) == (500, BrokenError)
    assert subject.requests() == [seen.told("/")]


def test_an_exception_in_a_mounted_application_is_500_at_its_route(subject: Subject) -> None:
    app = Starlette(routes=[Mount("/shop", one_route(fails, "/items/{item}"))])

    seen = ask(subject.wrap(app), "/shop/items/7")

    assert (seen.status, type(seen.error)) == (500, BrokenError)
    assert subject.requests() == [seen.told("/shop/items/{item}")]


def test_an_exception_of_an_application_without_an_error_page_is_500(subject: Subject) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise BrokenError

    seen = ask(subject.wrap(app))

    assert (seen.status, type(seen.error)) == (500, BrokenError)
    assert subject.requests() == [seen.told(None)]


def test_an_application_that_does_not_answer_is_500(subject: Subject) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return

    seen = ask(subject.wrap(app))

    assert (seen.status, seen.error) == (500, None)
    assert subject.requests() == [seen.told(None)]


@pytest.mark.parametrize("status", [200, 404])
def test_an_exception_after_the_start_of_the_response_has_the_status_that_is_out(
    subject: Subject, status: int
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        raise BrokenError

    seen = ask(subject.wrap(app))

    assert (seen.status, seen.complete, type(seen.error)) == (status, False, BrokenError)
    assert subject.requests() == [seen.told(None)]


def test_an_exception_in_the_middle_of_a_stream_has_the_status_that_is_out(subject: Subject) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"
        raise BrokenError

    seen = ask(subject.wrap(one_route(lambda _: StreamingResponse(pieces()))))

    assert (seen.status, seen.pieces, seen.complete) == (200, [b"piece"], False)
    assert subject.requests() == [seen.told("/")]


def test_an_exception_that_a_handler_answers_has_the_status_of_the_handler(subject: Subject) -> None:
    handlers: Any = {BrokenError: lambda *_: PlainTextResponse("tea", 418)}

    seen = ask(subject.wrap(one_route(fails, exception_handlers=handlers)))

    assert (seen.status, seen.error) == (418, None)
    assert subject.requests() == [seen.told("/")]


def test_an_error_page_with_a_status_of_its_own_has_that_status(subject: Subject) -> None:
    handlers: Any = {Exception: lambda *_: PlainTextResponse("later", 503)}

    seen = ask(subject.wrap(one_route(fails, exception_handlers=handlers)))

    assert (seen.status, type(seen.error)) == (503, BrokenError)
    assert subject.requests() == [seen.told("/")]


def test_an_http_exception_has_its_status(subject: Subject) -> None:
    async def gone(request: Request) -> Response:
        raise HTTPException(410)

    seen = ask(subject.wrap(one_route(gone)))

    assert (seen.status, seen.error) == (410, None)
    assert subject.requests() == [seen.told("/")]


def test_a_request_that_is_not_valid_is_422_at_its_route(subject: Subject) -> None:
    async def number(number: int) -> int:
        return number

    app = FastAPI()
    app.add_api_route("/numbers/{number}", number)

    seen = ask(subject.wrap(app), "/numbers/seven")

    assert seen.status == 422
    assert subject.requests() == [seen.told("/numbers/{number}")]


def test_a_handler_of_invalid_requests_has_its_status(subject: Subject) -> None:
    async def number(number: int) -> int:
        return number

    handlers: Any = {RequestValidationError: lambda *_: PlainTextResponse("no", 400)}
    app = FastAPI(exception_handlers=handlers)
    app.add_api_route("/numbers/{number}", number)

    seen = ask(subject.wrap(app), "/numbers/seven")

    assert seen.status == 400
    assert subject.requests() == [seen.told("/numbers/{number}")]


def test_nothing_is_in_flight_after_an_exception(subject: Subject) -> None:
    seen = ask(subject.wrap(one_route(fails)))

    assert seen.status == 500
    assert subject.in_flight() == 0
