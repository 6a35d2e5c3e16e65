"""The thread that asks checks before probes do, and calls the event loop to see whether it turns."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import RLock, Thread, current_thread
from typing import Any, Final, NamedTuple

from observekit.guard import in_forked_child

_TICK_SECONDS: Final = 1.0
# How long an end waits for the thread, which ends between two steps of its loop.
_PATIENCE_SECONDS: Final = 0.5

Refresh = Callable[[], Coroutine[Any, Any, None]]
# Begins what is due, and returns in how many seconds the next is.
Due = Callable[[], tuple[list[Refresh], float]]


class _Loop(NamedTuple):
    loop: asyncio.AbstractEventLoop
    ended: asyncio.Event
    thread: Thread


class Refresher:
    """Begins what is due on an event loop of its own, from start() to stop().

    Args:
        due: Returns what is to be begun now, and in how many seconds there is more.
        tick: Called once a second.
        failed: Told what either of them raises.
    """

    __slots__ = ("__weakref__", "_due", "_failed", "_lock", "_running", "_tick")

    def __init__(self, due: Due, tick: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._due = due
        self._tick = tick
        self._failed = failed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._running: _Loop | None = None

    def is_at_work(self) -> bool:
        """Whether the thread is there."""
        running = self._running
        return running is not None and running.thread.is_alive()

    def start(self) -> None:
        """Start, unless it is at work; where there can be no thread, probes ask by themselves."""
        with self._lock:
            if self.is_at_work():
                return
            loop, ended = asyncio.new_event_loop(), asyncio.Event()
            thread = Thread(target=self._run, args=(loop, ended), name="observekit-health", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # No more threads.
                loop.close()
                self._failed(error)
                return
            self._running = _Loop(loop, ended, thread)

    def stop(self) -> None:
        """End the thread; what it waits for goes on without it."""
        with self._lock:
            running, self._running = self._running, None
        if running is None:
            return
        with suppress(RuntimeError):  # It has ended.
            running.loop.call_soon_threadsafe(running.ended.set)
        if running.thread is not current_thread():
            running.thread.join(_PATIENCE_SECONDS)

    def _run(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._work(ended))

    async def _work(self, ended: asyncio.Event) -> None:
        under_way: set[asyncio.Task[None]] = set()
        ticked = asyncio.get_running_loop().time()
        while not ended.is_set():
            seconds = self._begin(under_way)
            now = asyncio.get_running_loop().time()
            if now - ticked >= _TICK_SECONDS:  # One, however late: see Heartbeat.
                ticked = now
                self._guarded(self._tick)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, max(0.0, ticked + _TICK_SECONDS - now))):
                    await ended.wait()

    def _begin(self, under_way: set[asyncio.Task[None]]) -> float:
        due: list[Refresh] = []
        seconds = _TICK_SECONDS
        try:
            due, seconds = self._due()
        except Exception as error:  # noqa: BLE001 -- the thread goes on: probes may need it
            self._failed(error)
        for refresh in due:
            task = asyncio.get_running_loop().create_task(self._refreshed(refresh))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        return seconds

    async def _refreshed(self, refresh: Refresh) -> None:
        try:
            await refresh()
        except Exception as error:  # noqa: BLE001 -- as above
            self._failed(error)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 -- as above
            self._failed(error)
