"""Messages and exceptions pass between application and server as they are, also those of extensions."""

from typing import Any

import pytest

from .client import ask, run
from .subjects import Subject

START = {"type": "http.response.start", "status": 200, "headers": [(b"x-any", b"\xff")]}
PIECE = {"type": "http.response.body", "body": b"piece", "more_body": True}
LAST = {"type": "http.response.body", "body": b"last", "more_body": False}

EXCHANGES: dict[str, list[dict[str, Any]]] = {
    "http.response.pathsend": [START, {"type": "http.response.pathsend", "path": "/file"}],
    "http.response.zerocopysend": [
        START,
        {"type": "http.response.zerocopysend", "file": 3, "offset": 0, "count": 5, "more_body": True},
        LAST,
    ],
    "http.response.trailers": [
        {**START, "trailers": True},
        LAST,
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True},
        {"type": "http.response.trailers", "headers": [], "more_trailers": False},
    ],
    "http.response.early_hint": [
        {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]},
        START,
        LAST,
    ],
    "http.response.push": [{"type": "http.response.push", "path": "/style.css", "headers": []}, START, LAST],
    "http.response.debug": [{"type": "http.response.debug", "info": {"template": object()}}, START, LAST],
    "none": [START, PIECE, PIECE, LAST],
}


@pytest.mark.parametrize("extension", EXCHANGES)
def test_the_messages_of_an_extension_reach_the_server_as_they_are(subject: Subject, extension: str) -> None:
    messages = EXCHANGES[extension]
    offered: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        offered.append(scope["extensions"])
        for message in messages:
            await send(message)

    seen = ask(subject.wrap(app), extensions={extension: {"any": 1}})

    assert offered == [{extension: {"any": 1}}]
    assert seen.sent == messages
    assert subject.requests() == [seen.told(None)]


DENIAL = [
    {"type": "websocket.http.response.start", "status": 403, "headers": [(b"x-any", b"1")]},
    {"type": "websocket.http.response.body", "body": b"no", "more_body": False},
]
CHAT = [
    {"type": "websocket.accept", "subprotocol": "chat", "headers": []},
    {"type": "websocket.send", "text": "hello"},
    {"type": "websocket.close", "code": 4000, "reason": "enough"},
]


@pytest.mark.parametrize("messages", [DENIAL, CHAT], ids=["denied", "accepted"])
def test_the_messages_of_a_websocket_reach_the_server_as_they_are(
    subject: Subject, messages: list[dict[str, Any]]
) -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        for message in messages:
            await send(message)

    run(_connect(subject.wrap(app), sent))

    assert sent == messages


async def _connect(app: Any, sent: list[Any]) -> None:
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/chat",
        "raw_path": b"/chat",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"service.test")],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
        "subprotocols": ["chat"],
        "extensions": {"websocket.http.response": {}},
    }

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
