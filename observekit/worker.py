"""A thread that is kept for one synchronous function, so that a function that hangs holds no other thread."""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import RLock, Thread
from typing import Final, NamedTuple

_STOP: Final = None


class _Outcome(NamedTuple):
    """What a call returned or raised; not set as an exception of a future, which refuses StopIteration."""

    value: object = None
    error: BaseException | None = None


Answer = asyncio.Future[_Outcome]


class Worker:
    """Calls one function on one thread, which is started when it is needed.

    Attributes:
        busy: Whether a call has begun that has not returned.
    """

    __slots__ = ("_function", "_jobs", "_lock", "_name", "busy")

    def __init__(self, name: str, function: Callable[[], object]) -> None:
        self._name = name
        self._function = function
        self.start_afresh()

    def start_afresh(self) -> None:
        """Begin without a thread."""
        self._lock = RLock()
        self._jobs: SimpleQueue[Answer | None] | None = None
        self.busy = False

    async def call(self) -> object:
        """Return what the function returns, or raise what it raises; only while it is not busy."""
        answer: Answer = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._jobs is None:
                self._jobs = self._start()
            self.busy = True
            self._jobs.put(answer)
        outcome = await answer
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def close(self) -> None:
        """End the thread once the function has returned; a further call starts another."""
        with self._lock:
            jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(_STOP)

    def _start(self) -> "SimpleQueue[Answer | None]":
        jobs: SimpleQueue[Answer | None] = SimpleQueue()
        Thread(target=self._work, args=(jobs,), name=f"observekit-{self._name}", daemon=True).start()
        return jobs

    def _work(self, jobs: "SimpleQueue[Answer | None]") -> None:
        while (answer := jobs.get()) is not None:
            outcome = self._called()
            self.busy = False
            try:
                answer.get_loop().call_soon_threadsafe(_deliver, answer, outcome)
            except RuntimeError:  # The loop that asked is closed.
                _discard(outcome)
            del answer, outcome  # Or what they hold would be held until the next call.

    def _called(self) -> _Outcome:
        try:
            return _Outcome(self._function())
        except BaseException as error:  # noqa: BLE001 -- a SystemExit in a check must not end its thread
            return _Outcome(error=error)


def _deliver(answer: Answer, outcome: _Outcome) -> None:
    if answer.done():
        _discard(outcome)
    else:
        answer.set_result(outcome)


def _discard(outcome: _Outcome) -> None:
    """Close a coroutine that nobody will await; Python would warn of it."""
    if inspect.iscoroutine(outcome.value):
        with suppress(Exception):  # The check's own; its result was given up before.
            outcome.value.close()
