"""One question under way: for clients of which a question must not be cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any


class Outstanding:
    """Keeps a question going when its asker has no more time; the next one waits for the same."""

    __slots__ = ("_task", "_tied_to")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._tied_to: object = None

    async def answer(self, ask: Callable[[], Coroutine[Any, Any, object]], tied_to: object = None) -> object:
        """Return what *ask* answers, begun now or before.

        A question that was begun while *tied_to* was another is given up: nobody will answer it.
        """
        task = self._task
        if task is None or task.done() or tied_to != self._tied_to or not task.get_loop().is_running():
            self.give_up()
            task = asyncio.get_running_loop().create_task(ask())
            task.add_done_callback(_seen)
            self._task, self._tied_to = task, tied_to
        # It is not cancelled with whoever waits for it.
        await asyncio.wait({task})
        return task.result()

    def give_up(self) -> None:
        """Cancel the question that is under way, if one is."""
        task, self._task = self._task, None
        if task is not None:
            with suppress(RuntimeError):  # Its loop is closed.
                task.cancel()


def _seen(task: "asyncio.Task[object]") -> None:
    """Look at what went wrong; asyncio would say that nobody has."""
    if not task.cancelled():
        task.exception()
