"""Real servers in threads, each with the application that a test gives it."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from http.client import HTTPException, HTTPResponse, IncompleteRead
from importlib import import_module
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Final

LONG: Final = 30.0
"""Seconds that nothing in these tests takes: a limit for what went wrong."""

Serve = Callable[[Any, int, Any], Coroutine[Any, Any, None]]
"""Serves an application on a port until an event is set, of the kind that its loop has."""


class Server(Thread):
    """A server that runs until it is stopped."""

    def __init__(self, serve: Serve, app: Any) -> None:
        super().__init__(daemon=True)
        self.port = free_port()
        self._serve = serve
        self._app = app
        self._ready = Event()
        self.start()
        self._ready.wait(LONG)
        self._wait_for_port()

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._serve(self._app, self.port, self._stopping)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self.join(LONG)

    def settle(self) -> None:
        """Wait until the loop has had a turn: what it was in the middle of is done."""
        turned = Event()
        self._soon(turned.set)
        assert turned.wait(LONG)

    def _soon(self, work: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(work)

    def exchange(self, request: bytes) -> bytes:
        """Send *request*, and return everything until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), LONG) as client:
            client.sendall(request)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def _wait_for_port(self) -> None:
        deadline = monotonic() + LONG
        while monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), LONG).close()
            except ConnectionRefusedError:
                sleep(0.005)
            else:
                return
        raise TimeoutError(f"nothing listens on port {self.port}")


class TrioServer(Server):
    """A server on the loop of trio."""

    def run(self) -> None:
        self._trio = import_module("trio")
        self._trio.run(self._run)

    async def _run(self) -> None:
        self._token, self._over = self._trio.lowlevel.current_trio_token(), self._trio.Event()
        self._ready.set()
        await self._serve(self._app, self.port, self._over)

    def stop(self) -> None:
        self._token.run_sync_soon(self._over.set)
        self.join(LONG)

    def _soon(self, work: Callable[[], object]) -> None:
        self._token.run_sync_soon(work)

    def exchange(self, request: bytes) -> bytes:
        """Send *request*, and return the first answer to it, without its framing.

        The end of the connection is not waited for: where Starlette is told that a stream has ended, it
        cancels the task in which hypercorn on trio would have closed the connection, with or without us.
        """
        with socket.create_connection(("127.0.0.1", self.port), LONG) as client:
            client.sendall(request)
            answer = HTTPResponse(client, method=request.partition(b" ")[0].decode())
            try:
                answer.begin()
                body = answer.read()
            except IncompleteRead as cut:
                body = b"cut off after " + cut.partial
            except (HTTPException, ConnectionError) as error:
                return f"no answer: {type(error).__name__}".encode()
        lines = [
            f"{answer.status} {answer.reason}",
            *(f"{name}: {value}" for name, value in answer.getheaders()),
        ]
        return "\r\n".join([*lines, "\r\n"]).encode() + body


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def uvicorn_with(http: str) -> Serve:
    """Return uvicorn with one of its parsers."""

    async def serve(app: Any, port: int, stop: asyncio.Event) -> None:
        uvicorn = import_module("uvicorn")
        config = uvicorn.Config(app, port=port, http=http, log_config=None, access_log=False, ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await stop.wait()
        server.should_exit = True
        await serving

    return serve


def hypercorn_on(loop: str) -> Serve:
    """Return hypercorn, which says nothing of failed requests here, with one of its workers."""

    async def serve(app: Any, port: int, stop: Any) -> None:
        config = import_module("hypercorn.config").Config()
        config.bind, config.errorlog = [f"127.0.0.1:{port}"], None
        await import_module(f"hypercorn.{loop}").serve(app, config, shutdown_trigger=stop.wait)

    return serve


async def granian(app: Any, port: int, stop: asyncio.Event) -> None:
    """Serve with granian, on the loop that runs."""
    server = import_module("granian.server.embed").Server(app, port=port, interface="asgi", log_enabled=False)
    serving = asyncio.create_task(server.serve())
    await stop.wait()
    server.stop()
    await serving


SERVERS: Final[dict[str, tuple[str, Callable[[Any], Server]]]] = {
    "uvicorn with h11": ("uvicorn", partial(Server, uvicorn_with("h11"))),
    "uvicorn with httptools": ("httptools", partial(Server, uvicorn_with("httptools"))),
    "hypercorn": ("hypercorn", partial(Server, hypercorn_on("asyncio"))),
    "hypercorn on trio": ("hypercorn", partial(TrioServer, hypercorn_on("trio"))),
    "granian": ("granian", partial(Server, granian)),
}
"""The package that each needs, and what serves an application with it."""
