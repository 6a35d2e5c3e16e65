"""The ops port: the management endpoints on a thread and an event loop of their own.

They answer while the application's loop is stuck. A client holds one of a fixed number of places, never a
thread, and a slow one gives its place to the next that comes.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from selectors import BaseSelector, DefaultSelector
from threading import Thread, current_thread
from typing import Any, Final

from observekit.asgi import ASGIApp, Message, Response, send_response
from observekit.guard import Guard, in_forked_child
from observekit.ops.request import BAD_REQUEST, MISDIRECTED, TOO_LONG, names_this_host, scope_of
from observekit.ops.visit import REQUEST_BYTES, Visit

# Fixed limits for everything that a client can make us hold.
# Source: a server without any made 240 threads for 300 half-sent requests within a second.
REQUEST_SECONDS: Final = 5.0
# Source: Prometheus waits 10 s for a page unless told otherwise.
ANSWER_SECONDS: Final = 15.0
CONNECTIONS: Final = 64
_BACKLOG: Final = 128
# How long nobody is let in when the process has no descriptor left.
_PAUSE_SECONDS: Final = 0.1

# Who comes through a Unix socket, which is in a directory of ours, is of our user and on this host.
_NEIGHBOUR: Final = ("127.0.0.1", 0)

_NOT_FOUND: Final = Response(404, b"not found\n", headers=((b"cache-control", b"no-store"),))


class OpsServer:
    """Serves small ASGI applications by path over HTTP/1, one request a connection.

    Attributes:
        port: Where it listens; none before it is started and after it is stopped, and none in a forked child.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp], guard: Guard, name: str = "ops") -> None:
        self._endpoints = endpoints
        self._guard = guard
        self._name = name
        self._held: _Held | None = None
        self.port: int | None = None
        in_forked_child(self._let_go)

    def start(self, host: str, port: int) -> None:
        """Listen on *host* and *port*, and serve on a thread; port 0 takes a free one.

        Raises:
            OSError: If the address cannot be listened on.
            RuntimeError: If there can be no further thread.
        """
        self.serve(_listener(host, port), on_loopback=ip_address(host).is_loopback)

    def serve(self, listener: socket.socket, *, on_loopback: bool) -> None:
        """Serve on *listener*, which is ours from now on; *on_loopback* says that names must be of this host.

        Raises:
            OSError: If there can be no further descriptor.
            RuntimeError: If there can be no further thread.
        """
        self._on_loopback = on_loopback
        try:
            held = _Held(listener)
        except OSError:
            listener.close()
            raise
        held.thread = Thread(target=self._run, args=(held,), name=f"observekit-{self._name}", daemon=True)
        # Before it runs, so that a child that is forked now knows what to close.
        self._held, self.port = held, _port_of(listener)
        try:
            held.thread.start()
        except RuntimeError:
            self._held, self.port = None, None
            listener.close()
            held.loop.close()
            raise

    def stop(self, budget_seconds: float) -> None:
        """Stop listening and let go of open connections; wait for at most *budget_seconds*."""
        held, self._held, self.port = self._held, None, None
        if held is None or held.thread is None:
            return
        with suppress(RuntimeError):  # The loop has ended by itself.
            held.loop.call_soon_threadsafe(held.end)
        if held.thread is not current_thread():
            held.thread.join(budget_seconds)

    def _let_go(self) -> None:
        """Close what a forked child has of its parent's server; the thread stayed there."""
        held, self._held, self.port = self._held, None, None
        if held is not None:
            held.let_go()

    def _run(self, held: "_Held") -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: held.loop) as runner:
                held.loop.set_exception_handler(self._went_wrong)
                runner.run(self._listen(held))
        except Exception as error:  # noqa: BLE001 -- the service goes on without its ops port
            self._guard.failed("ops", error)
        finally:
            for one in (held.listener, *(visit.socket for visit in held.visits)):
                one.close()

    def _went_wrong(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._guard.failed("ops", context.get("exception") or RuntimeError(context["message"]))

    async def _listen(self, held: "_Held") -> None:
        self._let_in(held)
        await held.ended.wait()

    def _let_in(self, held: "_Held") -> None:
        if not held.ended.is_set():
            held.loop.add_reader(held.listener, self._accept, held)

    def _accept(self, held: "_Held") -> None:
        """Take in one connection; in a crowd each has its turn before the next could put it out."""
        try:
            connection, address = held.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # It went away before we came to it.
            return
        except OSError as error:  # No descriptor is left: who waits outside will be let in later.
            held.loop.remove_reader(held.listener)
            held.loop.call_later(_PAUSE_SECONDS, self._let_in, held)
            self._guard.failed("ops", error)
            return
        connection.setblocking(False)  # noqa: FBT003 -- the one argument it has
        if len(held.visits) >= CONNECTIONS:
            held.make_room()
        visit = Visit(connection, address if isinstance(address, tuple) else _NEIGHBOUR)
        held.visits[visit] = None
        visit.task = held.loop.create_task(self._serve(visit, held.visits))

    async def _serve(self, visit: Visit, visits: dict[Visit, None]) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await visit.head()
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answer(head, visit)
            await visit.rest()
        except (OSError, EOFError):  # TimeoutError is one: a client that is too slow, or went away.
            pass
        except Exception as error:  # noqa: BLE001 -- the next client gets an answer
            self._guard.failed("ops", error)
        finally:
            visits.pop(visit, None)
            visit.socket.close()

    async def _answer(self, head: bytes, visit: Visit) -> None:
        if len(head) > REQUEST_BYTES:
            await send_response(TOO_LONG, "GET", visit.send)
            return
        own = visit.socket.getsockname()
        # Source: ASGI specification: the port of a server on a Unix socket is None.
        scope = scope_of(head, visit.address, own if isinstance(own, tuple) else (own, None))
        if scope is None:
            await send_response(BAD_REQUEST, "GET", visit.send)
        elif self._on_loopback and not names_this_host(scope):
            await send_response(MISDIRECTED, scope["method"], visit.send)
        elif scope["path"] not in self._endpoints:
            await send_response(_NOT_FOUND, scope["method"], visit.send)
        else:
            visit.waiting = False
            await self._endpoints[scope["path"]](scope, _nothing_to_receive, visit.send)


class _Held:
    """What a running server holds of the process."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector: BaseSelector = DefaultSelector()
        # Not of the policy that a server or a user may have set: a child has to know what it closes.
        self.loop = asyncio.SelectorEventLoop(self.selector)
        self.thread: Thread | None = None
        self.visits: dict[Visit, None] = {}
        self.ended = asyncio.Event()

    def end(self) -> None:
        """Let nobody in any more, and those go who are here; call on the loop."""
        self.loop.remove_reader(self.listener)
        self.ended.set()

    def make_room(self) -> None:
        """Put out who has been here the longest, of the peer that holds the most places.

        One that keeps us waiting goes before one that waits for us.
        """
        places = Counter(visit.address[0] for visit in self.visits)
        out = max(self.visits, key=lambda visit: (places[visit.address[0]], visit.waiting))
        del self.visits[out]
        if out.task is not None:
            out.task.cancel()

    def let_go(self) -> None:
        """Close every descriptor in a forked child, and change nothing of the parent's."""
        # Not by closing the loop, which takes its descriptors out of the selector: that is the parent's too.
        own = [getattr(self.loop, name, None) for name in ("_ssock", "_csock")]
        for one in (self.listener, self.selector, *(visit.socket for visit in self.visits), *own):
            if one is not None:
                one.close()


async def _nothing_to_receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _port_of(listener: socket.socket) -> int | None:
    own = listener.getsockname()
    return own[1] if isinstance(own, tuple) else None


def _listener(host: str, port: int) -> socket.socket:
    six = ":" in host
    both = host == "::" and socket.has_dualstack_ipv6()
    listener = socket.create_server(
        (host, port),
        family=socket.AF_INET6 if six else socket.AF_INET,
        backlog=_BACKLOG,
        dualstack_ipv6=both,
    )
    listener.settimeout(0)
    return listener
