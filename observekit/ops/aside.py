"""An event loop of asyncio beside an application whose own loop is of another kind."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from threading import RLock, Thread
from typing import Any, Final, NamedTuple

from observekit.asgi import Response
from observekit.guard import in_forked_child

Answer = Callable[[], Coroutine[Any, Any, Response]]
Elsewhere = Callable[[Callable[[], "Future[Response]"]], Awaitable[Response | None]]


# How long answers under way may take when the thread is to end; after that they are failures.
# Source: above the time of a probe and below that of a scrape, 1 s and 10 s in Kubernetes and Prometheus.
_LAST_ANSWERS_SECONDS: Final = 5.0


class _Loop(NamedTuple):
    """A loop that runs until *ended* is set, on the loop."""

    loop: asyncio.AbstractEventLoop
    ended: asyncio.Event


class Aside:
    """Has answers made on the loop that runs, or on one of its own where that is not asyncio's.

    *elsewhere* begins work on the loop here, and waits for it on the loop that it knows; it returns ``None``
    where that one does not run either.
    """

    __slots__ = ("__weakref__", "_elsewhere", "_lock", "_running")

    def __init__(self, elsewhere: Elsewhere) -> None:
        self._elsewhere = elsewhere
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._running: _Loop | None = None

    async def answer(self, work: Answer) -> Response:
        """Return what *work* answers."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            made = await self._elsewhere(lambda: self._begin(work))
            if made is not None:
                return made
        return await work()

    def close(self) -> None:
        """Let the thread end when what is under way is answered; a further answer gets a new one."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.loop.call_soon_threadsafe(running.ended.set)

    def _begin(self, work: Answer) -> "Future[Response]":
        # Not to be parted by close(): what is handed to a loop that has ended is never answered.
        with self._lock:
            loop = self._started()
            return asyncio.run_coroutine_threadsafe(work(), loop)

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._running is None:
            running = _Loop(asyncio.new_event_loop(), asyncio.Event())
            try:
                Thread(target=_run, args=(running,), name="observekit-aside", daemon=True).start()
            except RuntimeError:  # No more threads.
                running.loop.close()
                raise
            self._running = running
        return self._running.loop


def _run(running: _Loop) -> None:
    with asyncio.Runner(loop_factory=lambda: running.loop) as runner:
        runner.run(_until_answered(running.ended))


async def _until_answered(ended: asyncio.Event) -> None:
    """Wait for the end, and then for what is under way; what takes too long is cancelled by the runner."""
    await ended.wait()
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    if under_way:
        await asyncio.wait(under_way, timeout=_LAST_ANSWERS_SECONDS)
