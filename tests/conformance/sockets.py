"""A server in process with one WebSocket client, which keeps the journal of its connection."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .client import App, Message, run

CUT: int = 1006
"""How servers call the end of a connection that was cut off."""


class Connected(NamedTuple):
    """One connection as it was counted: its route, and the close code or what stands for it."""

    route: str | None
    code: str


@dataclass
class Dial:
    """One WebSocket connection, as a server makes it, and what its client saw of it.

    Args:
        says: What the client sends once it is connected.
        leaves: The code it closes with when it has said all, ``CUT`` without a word; without one, it
            waits for the application to close.
        on_message: Called when the client gets a message.
    """

    path: str = "/chat"
    says: Sequence[str] = ()
    leaves: int | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    on_message: Callable[[], None] = lambda: None
    accepted: bool = False
    heard: list[str] = field(default_factory=list)
    code: int | None = None
    status: int | None = None
    sent: list[Message] = field(default_factory=list)
    error: BaseException | None = None

    async def make(self, app: App) -> "Dial":
        """Connect; an exception that reaches the server is kept."""
        self._over = asyncio.Event()
        self._incoming: list[Message] = [{"type": "websocket.connect"}]
        self._incoming += [{"type": "websocket.receive", "text": text} for text in self.says]
        try:
            await app(self._scope(), self._receive, self._send)
        except BaseException as error:  # noqa: BLE001 -- as a server does
            self.error = error
        return self

    def _scope(self) -> dict[str, Any]:
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"service.test")],
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
            "extensions": dict(self.extensions),
        }

    async def _receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop(0)
        if self.leaves is not None:
            self.code = self.leaves
            return {"type": "websocket.disconnect", "code": self.leaves, "reason": ""}
        await self._over.wait()
        return {"type": "websocket.disconnect", "code": self.code}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        kind = message["type"]
        if kind == "websocket.accept":
            self.accepted = True
        elif kind == "websocket.send":
            self.heard.append(message["text"])
            self.on_message()
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        elif kind == "websocket.close":
            # Source: ASGI specification: a close in answer to the handshake is a 403.
            self.status = None if self.accepted else 403
            self.code = message.get("code", 1000) if self.accepted else None
            self._over.set()
        await asyncio.sleep(0)  # A server lets others run while it writes.


def dial(app: App, path: str = "/chat", **more: Any) -> Dial:
    """Make one connection, and return what its client saw."""
    return run(Dial(path, **more).make(app))
