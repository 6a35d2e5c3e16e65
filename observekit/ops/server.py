"""The ops port: the management endpoints on a thread and an event loop of their own.

They answer while the application's loop is stuck, and a slow or half-open client holds one of a fixed
number of places for a fixed time, never a thread.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote

from observekit.asgi import ASGIApp, Message, Response, Scope, send_response
from observekit.guard import Guard

# Source: a server without these made 240 threads for 300 half-sent requests within a second.
REQUEST_BYTES: Final = 8 * 1024
REQUEST_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 15.0
CONNECTIONS: Final = 64
CONNECTIONS_A_PEER: Final = 16
_BACKLOG: Final = 128

_NOT_FOUND: Final = Response(404, b"not found\n")
_REASONS: Final = {
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


class OpsServer:
    """Serves small ASGI applications by path, HTTP/1.1, one request a connection."""

    def __init__(self, endpoints: Mapping[str, ASGIApp], guard: Guard) -> None:
        self._endpoints = endpoints
        self._guard = guard
        self._peers: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self.port = 0

    def start(self, host: str, port: int) -> None:
        """Listen on *host* and *port*, and serve on a thread; port 0 takes a free one.

        Raises:
            OSError: If the address cannot be listened on.
        """
        listener = socket.create_server((host, port), family=_family(host), backlog=_BACKLOG)
        self.port = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(
            target=self._run, args=(self._loop, listener), name="observekit-ops", daemon=True
        )
        self._thread.start()

    def stop(self, budget_seconds: float) -> None:
        """Stop listening, and let go of open connections; wait for at most *budget_seconds*."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):  # The loop has ended by itself.
            loop.call_soon_threadsafe(loop.stop)
        thread.join(budget_seconds)

    def _run(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        asyncio.set_event_loop(loop)
        try:
            start = asyncio.start_server(self._serve, sock=listener, limit=REQUEST_BYTES)
            server = loop.run_until_complete(start)
            loop.run_forever()
            server.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
        except Exception as error:  # noqa: BLE001 -- the service goes on without its ops port
            self._guard.failed("ops", error)
        finally:
            listener.close()
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        self._peers[peer] += 1
        try:
            if self._peers.total() <= CONNECTIONS and self._peers[peer] <= CONNECTIONS_A_PEER:
                async with asyncio.timeout(REQUEST_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._answer(head, writer)
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError, ValueError, UnicodeDecodeError):
            pass  # A client that sends nothing, too much or nonsense, or went away: its connection is closed.
        except Exception as error:  # noqa: BLE001 -- the next client gets an answer
            self._guard.failed("ops", error)
        finally:
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]
            writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        scope = _scope(head, writer)
        endpoint = self._endpoints.get(scope["path"])
        send = _Sender(writer)
        if endpoint is None:
            await send_response(_NOT_FOUND, scope["method"], send)
        else:
            await endpoint(scope, _nothing_to_receive, send)


class _Sender:
    """Writes the messages of one response."""

    __slots__ = ("_writer",)

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
            lines += [name + b": " + value for name, value in message["headers"]]
            self._writer.write(b"\r\n".join([*lines, b"connection: close", b"", b""]))
        else:
            self._writer.write(message["body"])
            await self._writer.drain()


async def _nothing_to_receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _scope(head: bytes, writer: asyncio.StreamWriter) -> Scope:
    """Read the head of a request.

    Raises:
        ValueError: If it is not one.
    """
    first, *rest = head[:-4].split(b"\r\n")
    method, target, version = first.decode("ascii").split(" ")
    if not target.startswith("/") or not version.startswith("HTTP/1."):
        raise ValueError("not a request for a path of this server")
    path, _, query = target.partition("?")
    headers = []
    for line in rest:
        name, _, value = line.partition(b":")
        headers.append((name.strip().lower(), value.strip()))
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "root_path": "",
        "query_string": query.encode("ascii"),
        "headers": headers,
        "client": writer.get_extra_info("peername"),
        "server": writer.get_extra_info("sockname"),
        "http_version": version.removeprefix("HTTP/"),
    }
    return scope


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
