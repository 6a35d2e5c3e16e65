"""What an application's lifespan says of the life of the process."""

from collections.abc import Awaitable, Callable
from typing import Final

from observekit.asgi import ASGIApp, Message, Receive, Scope, Send
from observekit.guard import Guard
from observekit.health.lifecycle import Lifecycle
from observekit.http.messages import kind_of

_OVER: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})


class Lifespan:
    """Passes the lifespan protocol on unchanged, and tells the life cycle how far it is.

    ``configured`` is called when a server begins: it has set up its logging by then. ``flush`` is awaited
    before the server hears that the last application has ended: what comes after may be the end of the
    process, because servers end it with the signal they were stopped by.
    """

    __slots__ = ("_configured", "_flush", "_guard", "_lifecycle", "_running")

    def __init__(
        self,
        lifecycle: Lifecycle,
        configured: Callable[[], None],
        flush: Callable[[], Awaitable[None]],
        guard: Guard,
    ) -> None:
        self._lifecycle = lifecycle
        self._configured = configured
        self._flush = flush
        self._guard = guard
        self._running = 0

    def serving(self) -> None:
        """Note that a request came; after the end of the last application it begins another life.

        Servers send none by then. A test does that asks an application once with its lifespan, and once
        without, and whoever answers is not stopped; but what somebody has stopped stays so.
        """
        state = self._lifecycle.state
        if state == "ready":
            return
        if state == "stopped" and not self._lifecycle.told_to_stop:
            self._configure()
            self._lifecycle.begin_startup()
            self._lifecycle.finish_startup("a request came after the end")
        elif state == "starting":
            self._lifecycle.serving()

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the lifespan of *app*."""
        self._configure()
        self._lifecycle.begin_startup()
        self._running += 1
        run = _Run(self, receive, send)
        try:
            await app(scope, run.receive, run.send)
        finally:
            self._running -= 1
            # An application without a lifespan raises or returns here; servers go on without, and so do we.
            run.settle("application has no lifespan")

    def started(self, cause: str) -> None:
        """Note that an application has started; it may have configured logging while it did."""
        self._configure()
        self._lifecycle.finish_startup(cause)

    def _configure(self) -> None:
        try:
            self._configured()
        except Exception as error:  # noqa: BLE001 -- the application starts all the same
            self._guard.failed("logs", error)

    def failed(self) -> None:
        """Note that an application could not start."""
        self._lifecycle.fail("application failed to start")

    def ending(self) -> None:
        """Note that the server is about to end."""
        self._lifecycle.drain("server is shutting down", final=True)

    async def ended(self) -> None:
        """Note that an application has ended; the last one takes what is left of its telemetry along."""
        if self._running == 1:
            self._lifecycle.finish("application has ended")
            try:
                await self._flush()
            except Exception as error:  # noqa: BLE001 -- the server is to hear that the application has ended
                self._guard.failed("exchange", error)


class _Run:
    """One run of the protocol."""

    __slots__ = ("_lifespan", "_receive", "_send", "_settled")

    def __init__(self, lifespan: Lifespan, receive: Receive, send: Send) -> None:
        self._lifespan = lifespan
        self._receive = receive
        self._send = send
        self._settled = False

    async def receive(self) -> Message:
        """Pass on a message from the server."""
        message = await self._receive()
        if kind_of(message) == "lifespan.shutdown":
            self._lifespan.ending()
        return message

    async def send(self, message: Message) -> None:
        """Pass on a message to the server."""
        kind = kind_of(message)
        if kind == "lifespan.startup.complete":
            self.settle("application has started")
        elif kind == "lifespan.startup.failed":
            self._settled = True
            self._lifespan.failed()
        elif kind in _OVER:
            await self._lifespan.ended()
        await self._send(message)

    def settle(self, cause: str) -> None:
        """Note that this start-up is over, once."""
        if not self._settled:
            self._settled = True
            self._lifespan.started(cause)
