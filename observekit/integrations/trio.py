"""trio: what of ours is asyncio's runs beside it, and what of the application is trio's runs within it."""

import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def awaiter() -> Callable[[Awaitable[object], float], object] | None:
    """Return what awaits something in the trio that runs here, from any other thread; none without trio.

    It is given what to await and how many seconds that may take, and raises ``TooSlowError`` after those.
    """
    trio, token = _running()
    if trio is None:
        return None

    async def within(answer: Awaitable[object], seconds: float) -> object:
        with trio.fail_after(seconds):
            return await answer

    def awaited(answer: Awaitable[object], seconds: float) -> object:
        found: object = trio.from_thread.run(within, answer, seconds, trio_token=token)
        return found

    return awaited


async def result_of(work: Callable[[], "Future[T]"]) -> T | None:
    """Begin *work* on another thread and wait for its result; begin nothing and return none without trio."""
    trio, token = _running()
    if trio is None:
        return None
    done = trio.Event()

    def wake(_: "Future[T]") -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(done.set)

    future = work()
    future.add_done_callback(wake)
    try:
        await done.wait()
    finally:
        future.cancel()
    return future.result()


def waiter() -> tuple[Callable[[], None], Callable[[], Awaitable[object]]] | None:
    """Return what wakes the trio task that calls this, from any thread, and what it awaits until then."""
    trio, token = _running()
    if trio is None:
        return None
    woken = trio.Event()

    def wake() -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(woken.set)

    return wake, woken.wait


def _running() -> tuple[Any, Any]:
    """Return trio and the token of its loop, if it is what runs on this thread."""
    trio = sys.modules.get("trio")  # Whoever runs on it has imported it.
    if trio is None:
        return None, None
    try:
        return trio, trio.lowlevel.current_trio_token()
    except RuntimeError:
        return None, None
