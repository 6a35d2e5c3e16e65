"""One run of a check: begun once, settled once, waited for by any number of probes on any loop."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from threading import RLock
from time import perf_counter

from observekit.health.check import Result


class Run:
    """One run of a check.

    Attributes:
        ended: Whether what was called has come to its end, if only its task has not.
        silent: Whether its loop was called from another one, and has not answered yet.
        task: What runs on its loop; none before that loop came to it.
    """

    __slots__ = (
        "_context",
        "_lock",
        "_taken",
        "_waiting",
        "ended",
        "loop",
        "result",
        "silent",
        "started",
        "task",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        self._context = context
        self._lock = RLock()
        self._taken = False
        self._waiting: list[asyncio.Future[None]] = []
        self.loop = loop
        self.started = perf_counter()
        self.result: Result | None = None
        self.ended = self.silent = False
        self.task: asyncio.Task[None] | None = None

    def begin(self, execute: Callable[["Run"], Coroutine[None, None, None]]) -> None:
        """Start on the running loop, unless it was given up by then."""
        self.task = self.loop.create_task(execute(self), context=self._context)
        if self._taken:
            self.task.cancel()

    def is_over(self) -> bool:
        """Whether nothing of it goes on any more; nothing does while its loop does not run."""
        # Who was woken by the result may be here before the task has returned.
        ended = self.ended and self.result is not None
        return ended or (self.task is not None and self.task.done()) or not self.loop.is_running()

    def call(self) -> None:
        """Call its loop, from another one; a loop that has not answered yet is not called again."""
        if self.silent or self.loop is asyncio.get_running_loop():
            return
        self.silent = True
        with suppress(RuntimeError):  # It is closed.
            self.loop.call_soon_threadsafe(self._answer)

    def give_up(self) -> None:
        """Cancel what runs, if anything does by now."""
        if self.task is not None:
            with suppress(RuntimeError):  # Its loop is closed.
                self.loop.call_soon_threadsafe(self.task.cancel)

    def _answer(self) -> None:
        self.silent = False

    def seconds(self) -> float:
        """Return how long ago the run began."""
        return perf_counter() - self.started

    def settle(self, result: Result, note: Callable[[Result], None]) -> None:
        """Make *result* that of the run unless it has one; whoever waits is woken when *note* was told."""
        with self._lock:
            if self._taken:
                return
            self._taken = True
        try:
            note(result)
        finally:
            with self._lock:
                self.result = result
                waiting, self._waiting = self._waiting, []
            for probe in waiting:
                with suppress(RuntimeError):  # The loop of that probe is closed.
                    probe.get_loop().call_soon_threadsafe(_wake, probe)

    async def wait(self, timeout_seconds: float) -> None:
        """Wait for the result, but not past *timeout_seconds* after the run began."""
        woken = asyncio.get_running_loop().create_future()
        with self._lock:
            if self.result is not None:
                return
            self._waiting.append(woken)
        await asyncio.wait({woken}, timeout=max(0.0, timeout_seconds - self.seconds()))


def _wake(probe: "asyncio.Future[None]") -> None:
    if not probe.done():
        probe.set_result(None)
