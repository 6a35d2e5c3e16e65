"""Runs one check within its time, one run at a time, on a thread of its own or on the application's loop."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from threading import RLock
from time import time
from typing import Final, NamedTuple

from observekit.health.check import Check, CheckFunction, Result, Status
from observekit.health.home import Awaiter, Home
from observekit.health.run import Run
from observekit.health.steps import Blocked, Steps
from observekit.worker import Worker

# A lambda around an async function returns an awaitable, and so does an async function that forgot an await.
_AWAITABLES: Final = 2
# To note a result takes a line of log and a few counts.
_NOTING_SECONDS: Final = 0.1


class Outcome(NamedTuple):
    """What a run came to; *hangs* where it had come to that before, and has not ended yet."""

    result: Result
    hangs: bool


class Runner:
    """Runs one check, one run at a time; whoever asks meanwhile waits for the same run.

    A synchronous function runs on a thread that is kept for it: a function that hangs holds that one
    thread and no other, and is not started again until it returns. An asynchronous one runs at *home*;
    where that is no loop of asyncio, the thread waits for it.
    *settled* is told the result of each run, *blocked* each step that holds the event loop too long.
    """

    __slots__ = (
        "_asynchronous",
        "_at_home",
        "_home",
        "_lock",
        "_run",
        "_settled",
        "_worker",
        "check",
        "steps",
    )

    def __init__(self, check: Check, settled: Callable[[Result], None], home: Home, blocked: Blocked) -> None:
        self.check = check
        self.steps = Steps(blocked)
        self._settled = settled
        self._home = home
        self._at_home = self._asynchronous = _is_asynchronous(check.function)
        self._worker = Worker(f"check-{check.name}", self._called)
        self._lock = RLock()
        self._run: Run | None = None

    async def run(self, timeout_seconds: float) -> Outcome:
        """Return what the current run, or a new one, comes to within *timeout_seconds* of its start."""
        run = self._current()
        hangs = run.result is not None
        run.call()
        # Not wait_for(): that would wait for the cancellation too, which a check may ignore.
        await run.wait(timeout_seconds)
        if run.result is None:
            self._give_up(run)
            await run.wait(run.seconds() + _NOTING_SECONDS)  # If it came just now, and is being noted.
        return Outcome(run.result or Result("timeout", run.seconds(), at=time()), hangs)

    def close(self) -> None:
        """Let the thread end, where there is one; a further run gets a new one."""
        self._worker.close()

    def start_afresh(self) -> None:
        """Forget what was going on, in a forked child that has neither the thread nor the loop."""
        self._lock = RLock()
        self._run = None
        self._worker.start_afresh()

    def _current(self) -> Run:
        with self._lock:
            run = self._run
            if run is None or (run.is_over() and not self._worker.busy):
                run = self._run = self._begun()
            return run

    def _begun(self) -> Run:
        here = asyncio.get_running_loop()
        run = Run(self._home.loop() if self._at_home else here, self._home.context())
        if run.loop is not here:
            try:
                run.loop.call_soon_threadsafe(run.begin, self._execute)
            except RuntimeError:  # Closed since it was looked at.
                run = Run(here, self._home.context())
            else:
                return run
        run.begin(self._execute)
        return run

    def _give_up(self, run: Run) -> None:
        self._settle(run, Result("timeout", run.seconds(), stalled=run.silent, at=time()))
        run.give_up()

    async def _execute(self, run: Run) -> None:
        try:
            answer = await self._answer()
        except GeneratorExit:
            raise
        except BaseException as error:
            if _is_cancelled():
                raise
            seconds = run.seconds()
            # What was cancelled at the end of its time, by whoever runs it, took too long.
            late = seconds >= self.check.timeout_seconds
            run.ended = True
            self._settle(run, Result("timeout" if late else "failed", seconds, error, at=time()))
        else:
            run.ended = True
            self._settle(run, Result(_judged(answer), run.seconds(), _complaint(answer), at=time()))

    def _called(self) -> object:
        """Call the function on its thread, and wait there for what another kind of loop has to await."""
        return self._home.context().run(self._called_in_context)

    def _called_in_context(self) -> object:
        answer = self.check.function()
        abroad = self._home.abroad
        for _ in range(_AWAITABLES):
            if abroad is not None and inspect.isawaitable(answer):
                answer = _awaited_abroad(abroad, answer, self.check.timeout_seconds)
        return answer

    async def _answer(self) -> object:
        direct = self._asynchronous and self._home.abroad is None
        answer = self.check.function() if direct else await self._worker.call()
        for _ in range(_AWAITABLES):
            if inspect.isawaitable(answer):
                answer = await self._awaited_at_home(answer)
        return answer

    async def _awaited_at_home(self, answer: Awaitable[object]) -> object:
        """Await what a function returned that did not look asynchronous; from now on it counts as such."""
        self._at_home = True
        home = self._home.loop()
        if home is asyncio.get_running_loop():
            return await self.steps.of(answer)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._awaited(answer), home))

    async def _awaited(self, answer: Awaitable[object]) -> object:
        return await self.steps.of(answer)

    def _settle(self, run: Run, result: Result) -> None:
        run.settle(result, self._settled)


def _judged(answer: object) -> Status:
    if answer is False:
        return "failed"
    return "ok" if _complaint(answer) is None else "error"


def _complaint(answer: object) -> BaseException | None:
    """Return what is wrong with an answer that is none: nothing has run, or an exception was not raised."""
    if isinstance(answer, BaseException):
        return answer
    if inspect.isgenerator(answer) or inspect.isasyncgen(answer) or inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()  # Python would warn of it.
        return TypeError(f"the check returned {type(answer).__name__!r}, of which nothing has run")
    if answer is NotImplemented or answer is Ellipsis:
        return TypeError(f"the check returned {answer!r}, which says nothing")
    return None


def _awaited_abroad(abroad: Awaiter, answer: Awaitable[object], seconds: float) -> object:
    try:
        return abroad(answer, seconds)
    finally:
        if inspect.iscoroutine(answer):
            answer.close()  # A loop that has ended has not begun it; Python would warn of that.


def _is_cancelled() -> bool:
    """Whether it was us, or the end of the loop, that cancelled: a check may raise CancelledError itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_asynchronous(function: CheckFunction) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    return inspect.iscoroutinefunction(getattr(type(function), "__call__", None))  # noqa: B004 -- an async __call__
