"""The state of one WebSocket connection, and what came of it."""

from collections.abc import Callable
from time import perf_counter
from typing import Final, Literal, NamedTuple

from observekit.asgi import Message, Receive, Send
from observekit.catalogue.events import Outcome
from observekit.catalogue.websockets import CODE_OUTCOMES
from observekit.correlation import Fields
from observekit.http.exchange import is_cancellation, outcome_of
from observekit.http.messages import kind_of
from observekit.metrics.cells import CounterCell, GaugeCell

Reason = Literal["cancelled", "client_disconnect", "error", "no_close"]
End = Literal["application", "peer"]

ACCEPTED: Final = 101
"""The status of a handshake that was accepted."""

# Source: ASGI WebSocket specification 2.5: what a close before the accept is answered with.
_REFUSED: Final = 403
_SERVER_ERROR: Final = 500
# Source of the next three: ASGI WebSocket specification 2.5, close and disconnect; RFC 6455, 7.1.5, for what
# ended without a close frame.
_CLOSED: Final = 1000
_NO_CODE: Final = 1005
_ABNORMAL: Final = 1006


class Live(NamedTuple):
    """The cells that an open connection writes to."""

    connections: GaugeCell
    received: CounterCell
    sent: CounterCell


class Connection:
    """One WebSocket connection and its messages as they pass by; they are never changed.

    Times are readings of a monotonic clock in seconds. ``path`` is what the handshake was for, and ``status``
    what it was answered with, ``None`` where nobody got an answer. ``code`` is that of the close, if the
    connection was open. An exception that only says that the other end is gone is no ``error``.
    *opened* is called when it is, and returns what to count it in.
    """

    __slots__ = (
        "_closing",
        "_live",
        "_opened",
        "_receive",
        "_send",
        "closed_by",
        "code",
        "ended",
        "error",
        "fields",
        "path",
        "received",
        "sent",
        "started",
        "status",
    )

    def __init__(self, receive: Receive, send: Send, opened: Callable[[], Live | None]) -> None:
        self._receive = receive
        self._send = send
        self._opened = opened
        self._live: Live | None = None
        self._closing: int | None = None
        self.started = perf_counter()
        self.ended: float | None = None
        self.status: int | None = None
        self.code: int | None = None
        self.closed_by: End | None = None
        self.received = 0
        self.sent = 0
        self.error: BaseException | None = None
        self.path: str | None = None
        self.fields: Fields = {}

    async def receive(self) -> Message:
        """Pass on a message from the server, and note if it says that the connection is closed."""
        message = await self._receive()
        kind = kind_of(message)
        if kind == "websocket.receive":
            if self._is_open():
                self.received += 1
                if self._live is not None:
                    self._live.received.add()
        elif kind == "websocket.disconnect":
            if self._closing is not None:  # It is the answer to a close that is on its way.
                self._end("application", self._closing)
            else:
                self._end("peer", _heard_code(message))
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message to the server, and note what it does to the connection."""
        kind = kind_of(message)
        if kind == "websocket.close":
            self._closing = _code(message, _CLOSED)
        try:
            await self._send(message)
        except Exception as error:
            self._closing = None
            # Source: ASGI WebSocket specification 2.4, "Disconnected Client - send exception".
            if isinstance(error, OSError):
                self._end("peer", _ABNORMAL)
            raise
        self._note_sent(kind, message)

    def _note_sent(self, kind: str | None, message: Message) -> None:
        if kind == "websocket.send":
            if self._is_open():
                self.sent += 1
                if self._live is not None:
                    self._live.sent.add()
        elif kind == "websocket.accept":
            if self.status is None and self.ended is None:
                self.status = ACCEPTED
                self._live = self._opened()
        elif kind == "websocket.close":
            self._note_close(message)
        elif self.status != ACCEPTED:
            self._note_denial(kind, message)

    def _note_close(self, message: Message) -> None:
        if self.status is None and self.ended is None:
            self.status = _REFUSED
        self._end("application", _code(message, _CLOSED))

    def _note_denial(self, kind: str | None, message: Message) -> None:
        """Note a part of an answer to the handshake that is no WebSocket."""
        if kind == "websocket.http.response.start":
            status = message.get("status")
            if self.status is None and self.ended is None and isinstance(status, int):
                self.status = int(status)
        elif kind == "websocket.http.response.body" and not message.get("more_body", False):
            self._end("application", None)

    def _is_open(self) -> bool:
        return self.status == ACCEPTED and self.ended is None

    def _end(self, by: End | None, code: int | None) -> None:
        if self.ended is not None:
            return
        self.ended = perf_counter()
        self.closed_by = by
        if self.status == ACCEPTED:
            self.code = code
        live, self._live = self._live, None
        if live is not None:
            live.connections.add(-1)

    def close(self) -> None:
        """Note that the application has returned or raised: nothing will be sent any more."""
        if self.ended is None and self.status is None and not self._was_cancelled():
            # Source: uvicorn, hypercorn and granian answer 500 for an application that does not.
            self.status = _SERVER_ERROR
        self._end(None, _ABNORMAL)
        if self.closed_by == "peer" and self.error is not None and _says_closed(self.error):
            self.error = None

    @property
    def reason(self) -> Reason | None:
        """Return why nobody closed the connection, ``None`` where somebody did; call after close()."""
        if self.closed_by == "peer":
            gone = self.status != ACCEPTED or CODE_OUTCOMES.get(self.code or 0) == "aborted"
            return "client_disconnect" if gone else None
        if self.closed_by == "application":
            return None
        if self.error is None:
            return "no_close"
        return "cancelled" if self._was_cancelled() else "error"

    @property
    def outcome(self) -> Outcome:
        """What came of the connection; call after close()."""
        reason = self.reason
        if self.failure() is not None or reason == "no_close":
            return "server_error"
        if reason is not None:
            return "aborted"
        if self.status != ACCEPTED:
            return outcome_of(self.status)
        outcome = CODE_OUTCOMES.get(self.code or 0, "ok")
        # What a client says of the server is no error of the server.
        return "client_error" if outcome == "server_error" and self.closed_by == "peer" else outcome

    def failure(self) -> BaseException | None:
        """Return the exception that the application itself ended with; call after close()."""
        return None if self._was_cancelled() else self.error

    def error_type(self) -> str | None:
        """Return what the conventions call the type of the error, ``None`` where there is none."""
        failure = self.failure()
        if failure is not None:
            return type(failure).__qualname__
        if self.reason is not None:
            return self.reason
        if self.outcome != "server_error":
            return None
        return str(self.code if self.status == ACCEPTED else self.status)

    def _was_cancelled(self) -> bool:
        return self.error is not None and is_cancellation(self.error)


def _code(message: Message, otherwise: int) -> int:
    code = message.get("code")
    return int(code) if isinstance(code, int) else otherwise


def _heard_code(message: Message) -> int:
    """Return the code of a disconnect.

    uvicorn and granian say 1005 also of a connection that was cut off; what came in a frame has a reason
    beside it, be it empty, at least from uvicorn.
    """
    code = _code(message, _NO_CODE)
    return _ABNORMAL if code == _NO_CODE and "reason" not in message else code


def _says_closed(error: BaseException) -> bool:
    """Whether *error* only says that the other end is gone, which most applications leave uncaught."""
    pending = [error]
    while pending:
        one = pending.pop()
        if isinstance(one, BaseExceptionGroup):
            pending.extend(one.exceptions)
        # Source: Starlette and Litestar call theirs WebSocketDisconnect; servers raise a kind of OSError.
        elif not isinstance(one, OSError) and not type(one).__name__.startswith("WebSocketDisconnect"):
            return False
    return True
