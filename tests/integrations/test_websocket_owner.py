"""A WebSocket connection has one owner too: one SERVER span and one sample, whoever else would trace it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, WebSocket
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from observekit import ObserveMiddleware

from .apps import added, instrumented

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

ONE = {("1000", "/chat/{room}"): 1.0}


def fastapi() -> FastAPI:
    app = FastAPI()

    @app.websocket("/chat/{room}")
    async def chat(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    return app


def talk(app: Any) -> list[Any]:
    """Connect, say something, and return the messages that the server gets."""
    incoming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hello"}]
    sent: list[Any] = []
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/chat/1",
        "raw_path": b"/chat/1",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize("way", [instrumented, ObserveMiddleware, added])
def test_a_connection_has_one_span_and_one_sample(
    observe: "Callable[..., Observed]", way: Callable[[Any], Any]
) -> None:
    observed = observe()

    said = talk(way(fastapi()))

    assert said[1] == {"type": "websocket.send", "text": "hello"}
    assert len(observed.servers()) == 1
    assert observed.samples("websocket_server_connection_duration_seconds_count") == ONE


def test_the_span_of_a_contrib_middleware_further_out_is_the_one(
    observe: "Callable[..., Observed]",
) -> None:
    observed = observe()
    app = OpenTelemetryMiddleware(ObserveMiddleware(fastapi()), exclude_spans=["receive", "send"])

    talk(app)

    assert len(observed.servers()) == 1
    assert observed.samples("websocket_server_connection_duration_seconds_count") == ONE
