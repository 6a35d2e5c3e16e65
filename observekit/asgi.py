"""The ASGI types, and the one small response that observekit's own endpoints need."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response; a body of several pieces is sent piece by piece."""

    status: int
    body: bytes | tuple[bytes, ...]
    content_type: bytes = b"text/plain; charset=utf-8"
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def send_response(response: Response, method: str, send: Send) -> None:
    """Send *response*; for HEAD the same headers without the body."""
    pieces = (response.body,) if isinstance(response.body, bytes) else response.body
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(sum(map(len, pieces))).encode()),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    *first, last = (b"",) if method == "HEAD" or not pieces else pieces
    for piece in first:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": last, "more_body": False})
