"""The state of one request, and what came of it."""

from asyncio import CancelledError
from collections.abc import Callable
from time import perf_counter
from typing import Final, Literal

from observekit.asgi import Message, Receive, Send
from observekit.catalogue.events import Outcome
from observekit.correlation import Fields
from observekit.http.body import RequestBody
from observekit.http.messages import kind_of, size_of
from observekit.http.told import RawHeaders, with_headers

Reason = Literal["cancelled", "client_disconnect", "error", "no_response"]

_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
# Source: RFC 9110, 15.3.5 and 15.4.5: a server leaves out any body of these, as it does for HEAD.
_BODILESS: Final = frozenset({204, 304})
_FILES: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})


class Exchange:
    """One request and its response as they pass by; the messages themselves are never changed.

    With ``told``, headers that say which trace it is, the start goes on as a copy that has them.

    Times are readings of a monotonic clock in seconds; ``None`` where it has not come to that.
    ``status`` is what went to the client; ``None`` where the client got nothing.
    ``bytes`` is ``None`` where the server reads the body from a file itself, and where a piece was given
    up, or the server raised for it other than because nobody is there: it may have gone out all the same.
    ``background`` is the time that the application went on for after the last byte. ``reason`` says why the
    response did not come to its end, ``None`` where it did, and ``outcome`` what came of the request, both
    after close().
    ``path`` is what the request arrived with: some frameworks cut off what they have matched.
    A message of any shape is passed on: what is wrong with it is between the application and its server.
    """

    __slots__ = (
        "_closing",
        "_complete",
        "_confirmed",
        "_disconnected",
        "_receive",
        "_send",
        "_trailers",
        "background",
        "bytes",
        "ended",
        "error",
        "fields",
        "first_byte",
        "outcome",
        "path",
        "reason",
        "request_body",
        "started",
        "status",
        "told",
    )

    def __init__(self, receive: Receive, send: Send, request_body: RequestBody | None = None) -> None:
        self._receive = receive
        self._send = send
        self.request_body = request_body
        self._trailers = False
        self._closing = False
        self._complete = False
        self._confirmed = False
        self._disconnected = False
        self.reason: Reason | None = None
        self.outcome: Outcome = "ok"
        self.started = perf_counter()
        self.first_byte: float | None = None
        self.ended: float | None = None
        self.status: int | None = None
        self.background = 0.0
        self.bytes: int | None = 0
        self.path: str | None = None
        self.error: BaseException | None = None
        self.fields: Fields = {}
        self.told: RawHeaders | None = None

    def send_through(self, around: Callable[[Send], Send]) -> None:
        """Put *around* between here and the server, for the messages that are still to come."""
        self._send = around(self._send)

    async def receive(self) -> Message:
        """Pass on a message from the server, and note if it says that the client is gone."""
        message = await self._receive()
        if kind_of(message) == "http.disconnect":
            # While the last piece is on its way, a disconnect says that the response is complete.
            self._confirmed = self._closing
            self._disconnected = self._disconnected or not self._closing
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message to the server, and note the start and the end of the response."""
        kind = message.get("type") if type(message) is dict else None
        if type(kind) is not str:
            kind = kind_of(message)
        # The short way for bodies is worth it: every response has one, and a stream has thousands.
        if kind == "http.response.body":
            last = not (self._trailers or message.get("more_body", False))
        else:
            last = kind != "http.response.start" and self._is_last(kind, message)
            message = self._telling(kind, message)
        self._closing = last or self._closing
        try:
            await self._send(message)
        except BaseException as error:
            if not isinstance(error, OSError):
                self._note_unsure(kind, message)
            if not self._complete:
                self._note_refusal(error, last)
            raise
        if kind == "http.response.start":
            self._note_start(message)
        else:
            self._note_piece(kind, message)
        if last and not self._complete:
            self._complete = True
            self.ended = perf_counter()

    def _telling(self, kind: str | None, message: Message) -> Message:
        told = kind == "http.response.start" and self.told
        return with_headers(message, told) if told else message

    def _note_piece(self, kind: str | None, message: Message) -> None:
        if kind == "http.response.body" and self.bytes is not None:
            self.bytes += size_of(message)
        elif kind in _FILES:
            self.bytes = None

    def _note_unsure(self, kind: str | None, message: Message) -> None:
        """Note a message that was given up, or refused by a server that may have written some of it."""
        if self._confirmed:
            self._note_piece(kind, message)
        elif self.status is not None and (
            kind in _FILES or (kind == "http.response.body" and size_of(message))
        ):
            # Some servers write a piece before they wait for a slow client, and some after.
            self.bytes = None

    def _note_start(self, message: Message) -> None:
        self._trailers = bool(message.get("trailers", False))
        if self.status is None and not self._disconnected:
            status = message.get("status")
            if isinstance(status, int):
                self.first_byte = perf_counter()
                self.status = int(status)

    def _note_refusal(self, error: BaseException, last: bool) -> None:  # noqa: FBT001 -- of its one caller
        """Note that the server did not take a message; an OSError says that nobody is there to get it."""
        if not isinstance(error, Exception):
            if last:
                self.ended = perf_counter()  # What comes now is work in the background; see close().
            return
        self._closing = False
        # Source: ASGI HTTP specification 2.4, "Disconnected Client - send exception".
        self._disconnected = self._disconnected or isinstance(error, OSError)

    def _is_last(self, kind: str | None, message: Message) -> bool:
        if kind == "http.response.zerocopysend":
            return not message.get("more_body", False) and not self._trailers
        if kind == "http.response.trailers":
            return not message.get("more_trailers", False)
        return kind == "http.response.pathsend"

    def close(self) -> None:
        """Note that the application has returned or raised: nothing will be sent any more."""
        returned = perf_counter()
        if self._complete and self.error is None and not self._disconnected and self.status is not None:
            # The usual end, of which nothing needs to be found out.
            self.background = returned - (self.ended or returned)
            self.outcome = outcome_of(self.status)
            return
        self._close_otherwise(returned)

    def _close_otherwise(self, returned: float) -> None:
        # Frameworks cancel what sends the last piece when the server says that the response is complete.
        self._complete = self._complete or (self._closing and self.error is None)
        if self.ended is None:
            self.ended = returned
        self.background = returned - self.ended
        if self.status is None and not self._disconnected and not self._was_cancelled():
            # Source: uvicorn, hypercorn and granian answer 500 for an application that does not.
            self.status = _SERVER_ERROR
        self.reason = self._why_incomplete()
        self.outcome = self._what_came_of_it()

    def _why_incomplete(self) -> Reason | None:
        if self._disconnected:
            return "client_disconnect"
        if self._complete:
            return None
        if self.error is None:
            return "no_response"
        return "cancelled" if self._was_cancelled() else "error"

    def _what_came_of_it(self) -> Outcome:
        reason = self.reason
        if reason in {"client_disconnect", "cancelled"}:
            return "aborted"
        failed = reason is not None or self.failure() is not None
        return "server_error" if failed else outcome_of(self.status)

    def failure(self) -> BaseException | None:
        """Return the exception that the application itself ended with; call after close().

        Being cancelled is none: after the last byte, it only cuts short what runs in the background.
        """
        return None if self._disconnected or self._was_cancelled() else self.error

    def error_type(self) -> str | None:
        """Return what the conventions call the type of the error, ``None`` where there is none."""
        reason, failure = self.reason, self.failure()
        if failure is not None:
            return type(failure).__qualname__
        if reason is not None:
            return reason
        return str(self.status) if self.outcome == "server_error" else None

    def response_bytes(self, method: str) -> int | None:
        """Return how many bytes of a body were sent, ``None`` where the server alone knows."""
        return 0 if method == "HEAD" or self.status in _BODILESS else self.bytes

    def _was_cancelled(self) -> bool:
        return self.error is not None and is_cancellation(self.error)


def outcome_of(status: int | None) -> Outcome:
    """Return what a status says of the request that it answers."""
    if status is None or status >= _SERVER_ERROR:
        return "server_error"
    return "client_error" if status >= _CLIENT_ERROR else "ok"


def is_cancellation(error: BaseException) -> bool:
    """Whether *error* only says that the work was given up: by asyncio, by trio, by the end of the loop."""
    pending = [error]
    while pending:
        one = pending.pop()
        if isinstance(one, BaseExceptionGroup):
            pending.extend(one.exceptions)
        elif not isinstance(one, CancelledError | GeneratorExit) and not _is_of_trio(type(one)):
            return False
    return True


def _is_of_trio(kind: type[BaseException]) -> bool:
    return kind.__name__ == "Cancelled" and kind.__module__.partition(".")[0] == "trio"
