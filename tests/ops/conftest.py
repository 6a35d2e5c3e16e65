"""Applications that are observed by a kit of their own, and requests to them as a server would make them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observekit import Kit, ObserveMiddleware, setup

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """What a client gets; status 0 where it gets nothing."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """Speaks ASGI to an application, from loopback unless told otherwise."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def ask(
        self,
        path: str,
        method: str = "GET",
        query: bytes = b"",
        client: tuple[str, int] | None = ("127.0.0.1", 4711),
        headers: tuple[tuple[bytes, bytes], ...] = (),
        kind: str = "http",
    ) -> Answer:
        sent: list[Message] = []
        scope = {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(errors="replace"),
            "root_path": "",
            "query_string": query,
            "headers": list(headers),
            "client": client,
            "server": ("127.0.0.1", 80),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *rest = sent or [{"status": 0, "headers": []}]
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start.get("status", 0), told, b"".join(message["body"] for message in rest))

    def get(self, path: str, **more: Any) -> Answer:
        return asyncio.run(self.ask(path, **more), debug=True)


async def hello(scope: Message, receive: Receive, send: Send) -> None:
    """Answer every request, and know nothing of lifespans."""
    if scope["type"] != "http":
        raise RuntimeError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello", "more_body": False})


@dataclass(frozen=True)
class Observed:
    """A kit and a client of the application it observes."""

    kit: Kit
    client: Client


@pytest.fixture
def observe() -> Iterator[Callable[..., Observed]]:
    kits: list[Kit] = []

    def make(app: Any = hello, **settings: Any) -> Observed:
        given = {"registry": CollectorRegistry(), "logs": "off", "traces": False, **settings}
        kit = setup(**given)
        kits.append(kit)
        return Observed(kit, Client(ObserveMiddleware(app)))

    yield make
    for kit in kits:
        kit.shutdown()


@pytest.fixture
def observed(observe: Callable[..., Observed]) -> Observed:
    return observe()
