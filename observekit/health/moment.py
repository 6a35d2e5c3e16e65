"""A moment that comes once: streams, jobs and threads wait for it, on any event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from threading import Lock
from typing import Any, Final

Wake = Callable[[], None]
# Makes a way to wait on the loop that runs here, where that is not asyncio's: what wakes, and what to await.
Waiter = Callable[[], tuple[Wake, Callable[[], Awaitable[object]]] | None]

_FOR_EVER: Final = -1


def no_other_loop() -> None:
    """Know of no other kind of loop."""
    return


class Moment:
    """Comes once and stays; awaited on a loop, or waited for on a thread.

    It may come in a signal handler, in the middle of a wait or of itself: nothing here holds a lock, as
    ``Event.set()`` does. Appending to a list and popping from it are one step each.
    """

    __slots__ = ("_came", "_waiter", "_waiting")

    def __init__(self, waiter: Waiter = no_other_loop) -> None:
        self._came = False
        self._waiting: list[Wake] = []
        self._waiter = waiter

    def is_set(self) -> bool:
        """Whether it came."""
        return self._came

    def __bool__(self) -> bool:
        return self._came

    def __await__(self) -> Generator[Any, Any, None]:
        return self._wait_on_loop().__await__()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait on this thread, which runs no event loop, and return whether it came; for ever by default."""
        came = Lock()
        came.acquire()

        def wake() -> None:
            with suppress(RuntimeError):  # Woken already.
                came.release()

        self._call(wake)
        try:
            came.acquire(timeout=_FOR_EVER if timeout_seconds is None else timeout_seconds)
        finally:
            self._forget(wake)
        return self._came

    def come(self) -> None:
        """Wake everybody who waits, and from now on nobody waits."""
        self._came = True
        with suppress(IndexError):
            while True:
                self._waiting.pop()()

    async def _wait_on_loop(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            found = self._waiter()
            if found is None:
                raise
            wake, until_woken = found
        else:
            woken = loop.create_future()

            def wake() -> None:
                with suppress(RuntimeError):  # That loop is closed.
                    loop.call_soon_threadsafe(_settle, woken)

            async def until_woken() -> None:
                await woken

        self._call(wake)
        try:
            await until_woken()
        finally:
            self._forget(wake)

    def _call(self, wake: Wake) -> None:
        self._waiting.append(wake)
        if self._came:  # Perhaps between the look and the append, so that nobody else would call it.
            self.come()

    def _forget(self, wake: Wake) -> None:
        with suppress(ValueError):  # It was called.
            self._waiting.remove(wake)


def _settle(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
