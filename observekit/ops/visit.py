"""One connection to the ops port: a request is read from it, an answer written, within fixed limits."""

import asyncio
import socket
from http import HTTPStatus
from typing import Final

from observekit.asgi import Message
from observekit.ops.request import Address

# No request for one of our paths is longer.
REQUEST_BYTES: Final = 8 * 1024
# What a client may still send when it has its answer, and for how long: a socket that is closed with unread
# bytes is reset, and the answer may be lost with it.
LEFT_BYTES: Final = 64 * 1024
LEFT_SECONDS: Final = 1.0

_END: Final = b"\r\n\r\n"
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


class Visit:
    """One connection; ``waiting`` says that it is the client's turn, to ask or to take the answer."""

    __slots__ = ("_start", "address", "socket", "task", "waiting")

    def __init__(self, connection: socket.socket, address: Address) -> None:
        self.socket = connection
        self.address = address
        self.task: asyncio.Task[None] | None = None
        self.waiting = True
        self._start = b""

    async def head(self) -> bytes:
        """Return the head of the request, or more than REQUEST_BYTES of one that is too long.

        Raises:
            EOFError: If the client went away before its end.
        """
        loop = asyncio.get_running_loop()
        head = b""
        while _END not in head and len(head) <= REQUEST_BYTES:
            piece = await loop.sock_recv(self.socket, REQUEST_BYTES)
            if not piece:
                raise EOFError
            head += piece
        return head.partition(_END)[0]

    async def send(self, message: Message) -> None:
        """Write a message of a response."""
        if message["type"] == "http.response.start":
            self._start = _start(message)
            return
        start, self._start = self._start, b""
        self.waiting = True
        await asyncio.get_running_loop().sock_sendall(self.socket, start + message["body"])
        self.waiting = False

    async def rest(self) -> None:
        """Say that this was all, and read what the client still sends until it closes."""
        loop = asyncio.get_running_loop()
        self.waiting = True
        self.socket.shutdown(socket.SHUT_WR)
        left = LEFT_BYTES
        async with asyncio.timeout(LEFT_SECONDS):
            while left > 0 and (piece := await loop.sock_recv(self.socket, REQUEST_BYTES)):
                left -= len(piece)


def _start(message: Message) -> bytes:
    status, headers = message["status"], list(message["headers"])
    if _NOSNIFF not in headers:
        headers.append(_NOSNIFF)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])
