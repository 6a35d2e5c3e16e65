"""Work beside the event loop, where it must not wait for a thread of somebody else's pool."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread


async def beside_loop(work: Callable[[], None], limit_seconds: float) -> None:
    """Do *work* on a thread of its own, and wait for it for at most *limit_seconds*.

    It is done at once where there is no loop of asyncio, or no further thread.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # Another kind of loop, as trio's; this comes when its application has ended.
        work()
        return
    done = loop.create_future()

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # The loop did not wait for us.
                loop.call_soon_threadsafe(_settle, done)

    try:
        # Not the loop's executor: it may be full of the work that keeps the process from ending.
        Thread(target=run, name="observekit-flush", daemon=True).start()
    except RuntimeError:  # No more threads.
        work()
    else:
        await asyncio.wait({done}, timeout=limit_seconds)


def _settle(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)
