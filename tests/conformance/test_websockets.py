"""A WebSocket connection is counted once, at its route, with the close code that ended it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocket

from .apps import BrokenError
from .client import run
from .sockets import CUT, Connected, Dial, dial
from .subjects import OTHER, Subject

if TYPE_CHECKING:
    from .conftest import Clock

DENIED = "_denied"
"""What stands for a code where there was no connection."""


async def echo(websocket: WebSocket) -> None:
    """Answer each message until the client goes."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def chat(endpoint: Callable[..., object] = echo, path: str = "/chat") -> Starlette:
    return Starlette(routes=[WebSocketRoute(path, endpoint)])


def closes(code: int) -> Callable[..., object]:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(code)

    return endpoint


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011])
def test_a_connection_that_the_application_closes_has_its_code(subject: Subject, code: int) -> None:
    seen = dial(subject.wrap(chat(closes(code))))

    assert (seen.accepted, seen.code) == (True, code)
    assert subject.connections() == [Connected("/chat", str(code))]


@pytest.mark.parametrize("code", [1000, 1001, 1009])
def test_a_connection_that_the_client_closes_has_its_code(subject: Subject, code: int) -> None:
    seen = dial(subject.wrap(chat()), says=["hello"], leaves=code)

    assert (seen.heard, seen.error) == (["hello"], None)
    assert subject.connections() == [Connected("/chat", str(code))]


def test_a_connection_that_is_cut_off_is_1006(subject: Subject) -> None:
    dial(subject.wrap(chat()), says=["hello"], leaves=CUT)

    assert subject.connections() == [Connected("/chat", "1006")]


def test_codes_that_clients_invent_are_one(subject: Subject) -> None:
    app = subject.wrap(chat())

    for code in range(4000, 4020):
        dial(app, leaves=code)

    assert subject.connections() == [Connected("/chat", OTHER)] * 20


def test_a_connection_that_is_denied_is_no_connection(subject: Subject) -> None:
    async def denies(websocket: WebSocket) -> None:
        await websocket.close(1008)

    seen = dial(subject.wrap(chat(denies)))

    assert (seen.accepted, seen.status) == (False, 403)
    assert subject.connections() == [Connected("/chat", DENIED)]


def test_a_connection_that_is_denied_with_a_response_is_no_connection(subject: Subject) -> None:
    async def denies(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse("who are you", 401))

    seen = dial(subject.wrap(chat(denies)), extensions={"websocket.http.response": {}})

    assert (seen.accepted, seen.status) == (False, 401)
    assert subject.connections() == [Connected("/chat", DENIED)]


def test_a_path_that_nothing_has_is_denied_without_a_route(subject: Subject) -> None:
    seen = dial(subject.wrap(chat()), "/nothing")

    assert (seen.accepted, seen.status) == (False, 403)
    assert subject.connections() == [Connected(None, DENIED)]


def test_an_exception_before_the_connection_is_accepted_is_no_connection(subject: Subject) -> None:
    async def fails(websocket: WebSocket) -> None:
        raise BrokenError

    seen = dial(subject.wrap(chat(fails)))

    assert (seen.sent, type(seen.error)) == ([], BrokenError)
    assert subject.connections() == [Connected("/chat", DENIED)]


def test_an_exception_of_an_open_connection_ends_it_without_a_code(subject: Subject) -> None:
    async def fails(websocket: WebSocket) -> None:
        await websocket.accept()
        raise BrokenError

    seen = dial(subject.wrap(chat(fails)))

    assert (seen.accepted, type(seen.error)) == (True, BrokenError)
    assert subject.connections() == [Connected("/chat", "1006")]


def test_the_route_of_a_connection_is_its_template(subject: Subject) -> None:
    app = Starlette(routes=[Mount("/{tenant}", chat(path="/rooms/{room}"))])

    dial(subject.wrap(app), "/acme/rooms/7", leaves=1000)

    assert subject.connections() == [Connected("/{tenant}/rooms/{room}", "1000")]


def test_the_route_of_a_connection_to_fastapi_is_its_template(subject: Subject) -> None:
    app = FastAPI()
    app.add_api_websocket_route("/rooms/{room}", echo)

    dial(subject.wrap(app), "/rooms/7", leaves=1000)

    assert subject.connections() == [Connected("/rooms/{room}", "1000")]


def test_messages_are_counted_by_their_direction(subject: Subject) -> None:
    async def talks(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)
            await websocket.send_text(text)

    seen = dial(subject.wrap(chat(talks)), says=["one", "two", "three"], leaves=1000)

    assert len(seen.heard) == 6
    assert subject.messages() == (3, 6)


def test_a_connection_is_open_from_its_accept_to_its_close(subject: Subject) -> None:
    opened = [subject.open_connections()]

    async def looks(websocket: WebSocket) -> None:
        await websocket.accept()
        opened.append(subject.open_connections())
        await websocket.close()
        opened.append(subject.open_connections())

    dial(subject.wrap(chat(looks)))

    assert opened == [0, 1, 0]


def test_nothing_is_open_when_half_of_the_clients_are_cut_off(subject: Subject) -> None:
    app = subject.wrap(chat())

    async def connect() -> None:
        dials = [Dial(says=["hello"], leaves=CUT if number % 2 else 1000) for number in range(200)]
        await asyncio.gather(*[one.make(app) for one in dials])

    run(connect())

    assert subject.open_connections() == 0
    assert subject.connections() == [Connected("/chat", "1000")] * 100 + [Connected("/chat", "1006")] * 100


def test_a_connection_lasts_until_it_is_closed(subject: Subject, clock: "Callable[[], Clock]") -> None:
    async def works(websocket: WebSocket) -> None:
        await websocket.accept()
        time.passes(20)
        await websocket.close()
        time.passes(60)

    app = subject.wrap(chat(works))
    time = clock()
    dial(app)

    assert subject.connection_seconds() == 20


def test_a_connection_is_no_request(subject: Subject) -> None:
    dial(subject.wrap(chat()), says=["hello"], leaves=1000)

    assert subject.requests() == []


def test_a_connection_is_one_server_span_however_much_is_said(subject: Subject) -> None:
    dial(subject.wrap(chat()), says=["hello"] * 20, leaves=1000)

    assert len(subject.spans()) == 1
