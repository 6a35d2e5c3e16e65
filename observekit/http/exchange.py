"""The state of one request, and what came of it."""

import asyncio
from time import perf_counter
from typing import Final, Literal

from observekit.asgi import Message, Receive, Send
from observekit.correlation import Fields

Outcome = Literal["ok", "client_error", "server_error", "aborted"]
Reason = Literal["cancelled", "client_disconnect", "error", "no_response"]

_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


class Exchange:
    """One request and its response as they pass by; the messages themselves are never changed.

    Times are readings of a monotonic clock in seconds; ``None`` where it has not come to that.
    ``status`` is what went to the client; ``None`` where the client got nothing.
    """

    __slots__ = (
        "_closing",
        "_disconnected",
        "_receive",
        "_send",
        "_trailers",
        "bytes",
        "ended",
        "error",
        "fields",
        "first_byte",
        "started",
        "status",
    )

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._trailers = False
        self._closing = False
        self._disconnected = False
        self.started = perf_counter()
        self.first_byte: float | None = None
        self.ended: float | None = None
        self.status: int | None = None
        self.bytes = 0
        self.error: BaseException | None = None
        self.fields: Fields = {}

    async def receive(self) -> Message:
        """Pass on a message from the server, and note if it says that the client is gone."""
        message = await self._receive()
        # While the last piece is on its way, a disconnect says that the response is complete.
        if message["type"] == "http.disconnect" and not self._closing:
            self._disconnected = True
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message to the server, and note the start and the end of the response."""
        kind = message["type"]
        if kind == "http.response.start":
            await self._send(message)
            self._note_start(message)
            return
        last = self._is_last(kind, message)
        self._closing = self._closing or last
        await self._send(message)
        self.bytes += len(message.get("body", b""))
        if last and self.ended is None:
            self.ended = perf_counter()

    def _note_start(self, message: Message) -> None:
        self._trailers = bool(message.get("trailers", False))
        if not self._disconnected:
            self.first_byte = perf_counter()
            self.status = message["status"]

    def _is_last(self, kind: str, message: Message) -> bool:
        if kind in {"http.response.body", "http.response.zerocopysend"}:
            return not message.get("more_body", False) and not self._trailers
        if kind == "http.response.trailers":
            return not message.get("more_trailers", False)
        return kind == "http.response.pathsend"

    def close(self) -> None:
        """Note that the application has returned or raised: nothing will be sent any more."""
        if self.ended is None:
            self.ended = perf_counter()
        if self.status is None and not self._disconnected and not self._was_cancelled():
            # Source: uvicorn, hypercorn and granian answer 500 for an application that does not.
            self.status = _SERVER_ERROR

    def reason(self) -> Reason | None:
        """Return why the response did not come to its end, ``None`` where it did; call after close()."""
        if self._disconnected:
            return "client_disconnect"
        if self._closing:
            return None
        if self.error is None:
            return "no_response"
        return "cancelled" if self._was_cancelled() else "error"

    def outcome(self) -> Outcome:
        """Return what came of the request; call after close()."""
        if self.reason() in {"client_disconnect", "cancelled"}:
            return "aborted"
        if self.error is not None or self.status is None or self.status >= _SERVER_ERROR:
            return "server_error"
        return "client_error" if self.status >= _CLIENT_ERROR else "ok"

    def _was_cancelled(self) -> bool:
        return isinstance(self.error, asyncio.CancelledError) and not self._closing
