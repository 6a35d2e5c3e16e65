"""A server in process with one client: what the client saw is the truth that a subject is held against."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

Message = MutableMapping[str, Any]
T = TypeVar("T")
App = Callable[[Any, Any, Any], Awaitable[None]]
_PIECES = {"http.response.body", "http.response.pathsend", "http.response.zerocopysend"}


class Counted(NamedTuple):
    """One request as it was counted; ``None`` where no route took it, and where the client got nothing."""

    method: str
    route: str | None
    status: int | str | None


@dataclass
class Visit:
    """One request, as a server makes it, and what its client saw of the response.

    Args:
        body: What the client sends, piece by piece.
        leaves_after: How many pieces of the response the client waits for before it leaves; 0 is before
            the response, but after its body.
        refuses: Whether the server raises OSError for what is sent to a client that has left.
        on_piece: Called with the number of pieces that the client has.
    """

    path: str = "/"
    method: str = "GET"
    host: bytes = b"service.test"
    root_path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Sequence[bytes] = (b"",)
    leaves_after: int | None = None
    refuses: bool = False
    extensions: Mapping[str, Any] = field(default_factory=dict)
    on_piece: Callable[[int], None] = lambda _: None
    status: int | None = None
    pieces: list[bytes] = field(default_factory=list)
    complete: bool = False
    sent: list[Message] = field(default_factory=list)
    error: BaseException | None = None

    def told(self, route: str | None) -> Counted:
        """Return how this request is to be counted, if *route* took it."""
        return Counted(self.method, route, self.status)

    async def make(self, app: App) -> "Visit":
        """Make the request; an exception that reaches the server is kept."""
        self._gone = asyncio.Event()
        self._incoming: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in self.body
        ]
        self._incoming[-1]["more_body"] = self.leaves_after == 0
        try:
            await app(self._scope(), self._receive, self._send)
        except BaseException as error:  # noqa: BLE001 -- as a server does
            self.error = error
        if self.status is None and not self._gone.is_set() and not _is_cancelled(self.error):
            self.status = 500  # As servers answer for an application that does not.
        return self

    def _scope(self) -> dict[str, Any]:
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4" if self.refuses else "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode("utf-8", "surrogateescape"),
            "root_path": self.root_path,
            "query_string": b"",
            "headers": [(b"host", self.host), *headers],
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 80),
            "extensions": dict(self.extensions),
        }

    async def _receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop(0)
        if self.leaves_after == 0:
            self._gone.set()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set() and self.refuses:
            raise OSError("the client has left")
        self.sent.append(message)
        if not self._gone.is_set():
            self._see(message)
        await asyncio.sleep(0)  # A server lets others run while it writes.

    def _see(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
        if kind not in _PIECES:
            return
        self.pieces.append(message.get("body", b""))
        self.on_piece(len(self.pieces))
        self.complete = not message.get("more_body", False)
        if self.complete or len(self.pieces) == self.leaves_after:
            self._gone.set()


def ask(app: App, path: str = "/", method: str = "GET", **more: Any) -> Visit:
    """Make one request, and return what its client saw."""
    return run(Visit(path, method, **more).make(app))


def ask_each(app: App, visits: Iterable[Visit]) -> list[Visit]:
    """Make requests one after the other."""

    async def one_by_one() -> list[Visit]:
        return [await visit.make(app) for visit in visits]

    return run(one_by_one())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on an event loop of its own."""
    return asyncio.run(work)


def _is_cancelled(error: BaseException | None) -> bool:
    return isinstance(error, asyncio.CancelledError)
