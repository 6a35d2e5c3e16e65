"""An event loop of asyncio beside an application whose own loop is of another kind."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from threading import RLock, Thread
from typing import Any

from observekit.asgi import Response
from observekit.guard import in_forked_child

Answer = Callable[[], Coroutine[Any, Any, Response]]
Elsewhere = Callable[[Callable[[], "Future[Response]"]], Awaitable[Response | None]]


class Aside:
    """Has answers made on the loop that runs, or on one of its own where that is not asyncio's.

    *elsewhere* begins work on the loop here, and waits for it on the loop that it knows; it returns ``None``
    where that one does not run either.
    """

    __slots__ = ("__weakref__", "_elsewhere", "_lock", "_loop")

    def __init__(self, elsewhere: Elsewhere) -> None:
        self._elsewhere = elsewhere
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def answer(self, work: Answer) -> Response:
        """Return what *work* answers."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            made = await self._elsewhere(lambda: asyncio.run_coroutine_threadsafe(work(), self._running()))
            if made is not None:
                return made
        return await work()

    def close(self) -> None:
        """Let the thread end; a further answer gets a new one."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                try:
                    Thread(target=_run, args=(loop,), name="observekit-aside", daemon=True).start()
                except RuntimeError:  # No more threads.
                    loop.close()
                    raise
                self._loop = loop
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
