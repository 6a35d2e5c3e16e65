"""How late an event loop runs what is due, and what it is stuck in when it does not run at all."""

import asyncio
import sys
import traceback
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread, get_ident
from time import monotonic
from typing import Final

# Source: ten readings a second see lags of a tenth of a second, for about 20 us of CPU each.
BEAT_SECONDS: Final = 0.1
# Source: below the 0.3 s from which people notice that they wait; all requests on the loop wait together.
STALL_SECONDS: Final = 0.25
# Source: the same: one stack a cool-down, so that a loop that stalls all the time does not fill the log.
COOL_DOWN_SECONDS: Final = 60.0
_FRAMES: Final = 30
# To count tasks takes 0.25 us for each, in one step: once for all pages of a second.
_COUNT_SECONDS: Final = 1.0

Observe = Callable[[float], None]
Stalled = Callable[[], None]
Report = Callable[[float, list[str]], None]


class LoopWatch:
    """Watches one event loop, from the moment it is started on it until it is stopped.

    Args:
        observe: Told how late each beat was, in seconds.
        stalled: Told once for each time the loop did not beat for STALL_SECONDS.
        report: Told the age of a stall in seconds and the stack of the loop's thread, once a cool-down.
    """

    def __init__(self, observe: Observe, stalled: Stalled, report: Report) -> None:
        self._observe = observe
        self._stalled = stalled
        self._report = report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._thread_id = 0
        self._due = 0.0
        self._tasks, self._counted_until = 0, 0.0
        self._stop: SimpleQueue[None] = SimpleQueue()

    def start(self) -> None:
        """Begin to watch the running loop; call on it."""
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        self._thread_id = get_ident()
        self._due = monotonic() + BEAT_SECONDS
        self._handle = self._loop.call_later(BEAT_SECONDS, self._beat)
        self._stop = SimpleQueue()
        Thread(target=self._guard, args=(self._stop,), name="observekit-loop-watch", daemon=True).start()

    def stop(self) -> None:
        """End watching; safe to call twice and from any thread."""
        loop, self._loop = self._loop, None
        if loop is not None:
            self._stop.put(None)
            if self._handle is not None:
                self._handle.cancel()

    def tasks(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """Yield the number of tasks that are not done; nothing where no loop is watched."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if (now := monotonic()) >= self._counted_until:
            self._tasks, self._counted_until = len(asyncio.all_tasks(loop)), now + _COUNT_SECONDS
        yield (), float(self._tasks)

    def _beat(self) -> None:
        now = monotonic()
        self._observe(max(0.0, now - self._due))
        self._due = now + BEAT_SECONDS
        if self._loop is not None and not self._loop.is_closed():
            self._handle = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _guard(self, stop: "SimpleQueue[None]") -> None:
        told, counted = -COOL_DOWN_SECONDS, 0.0
        while True:
            try:
                # Where nothing is late, four looks a second: each takes the interpreter from the loop.
                stop.get(timeout=max(BEAT_SECONDS, self._due + STALL_SECONDS - monotonic()))
            except Empty:
                pass
            else:
                return
            due, now = self._due, monotonic()
            if now - due < STALL_SECONDS or due == counted:
                continue
            counted = due  # One stall is one, however long it lasts.
            if now - told >= COOL_DOWN_SECONDS:
                told = now
                self._report(now - due, self._stack())
            self._stalled()

    def _stack(self) -> list[str]:
        """Return where the loop's thread is now, the innermost frame last; never the values of variables."""
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 -- documented, for this very use
        if frame is None:
            return []
        frames = traceback.extract_stack(frame, limit=_FRAMES)
        return [f"{one.filename}:{one.lineno} in {one.name}" for one in frames]
