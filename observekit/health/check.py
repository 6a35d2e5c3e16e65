"""One health check: what it asks, how much it matters, and how it is run within its time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock
from time import perf_counter
from typing import Final, Literal

from observekit.health.home import Awaiter, Home
from observekit.worker import Worker

Probe = Literal["liveness", "readiness", "startup"]
Criticality = Literal["required", "degraded", "info"]
Status = Literal["ok", "failed", "timeout"]
CheckFunction = Callable[[], object] | Callable[[], Awaitable[object]]

# A lambda around an async function returns an awaitable, and so does an async function that forgot an await.
_AWAITABLES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A registered check.

    The function passes by returning anything but ``False``, and fails by returning ``False`` or raising.
    ``timeout_seconds`` is how long it may take.
    """

    name: str
    probe: Probe
    criticality: Criticality
    function: CheckFunction
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run: the status, the time it took, and the exception where there was one.

    ``stalled`` says of a timeout that the event loop did not turn, so that the check had no chance.
    """

    status: Status
    seconds: float
    error: BaseException | None = None
    stalled: bool = False


class _Run:
    """One run of a check: begun once, settled once, waited for by any number of probes on any loop.

    Attributes:
        silent: Whether its loop was called from another one, and has not answered yet.
        task: What runs on its loop; none before that loop came to it.
    """

    __slots__ = ("_lock", "_waiting", "loop", "result", "silent", "started", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._lock = RLock()
        self._waiting: list[asyncio.Future[None]] = []
        self.loop = loop
        self.started = perf_counter()
        self.result: Result | None = None
        self.silent = False
        self.task: asyncio.Task[None] | None = None

    def begin(self, execute: Callable[["_Run"], Coroutine[None, None, None]]) -> None:
        """Start on the running loop, unless it was given up by then."""
        self.task = self.loop.create_task(execute(self))
        if self.result is not None:
            self.task.cancel()

    def is_over(self) -> bool:
        """Whether nothing of it goes on any more; nothing does while its loop does not run."""
        ended = self.task is not None and self.task.done()
        return ended or not self.loop.is_running()

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

    def settle(self, result: Result) -> bool:
        """Make *result* that of the run unless it has one; say whether it was made so."""
        with self._lock:
            if self.result is not None:
                return False
            self.result = result
            waiting, self._waiting = self._waiting, []
        for probe in waiting:
            with suppress(RuntimeError):  # The loop of that probe is closed.
                probe.get_loop().call_soon_threadsafe(_wake, probe)
        return True

    async def wait(self, timeout_seconds: float) -> None:
        """Wait for the result, but not past *timeout_seconds* after the run began."""
        woken = asyncio.get_running_loop().create_future()
        with self._lock:
            if self.result is not None:
                return
            self._waiting.append(woken)
        await asyncio.wait({woken}, timeout=max(0.0, timeout_seconds - self.seconds()))


class Runner:
    """Runs one check, one run at a time; whoever asks meanwhile waits for the same run.

    A synchronous function runs on a thread that is kept for it: a function that hangs holds that one
    thread and no other, and is not started again until it returns. An asynchronous one runs at *home*;
    where that is no loop of asyncio, the thread waits for it.
    *settled* is told the result of each run.
    """

    __slots__ = ("_asynchronous", "_at_home", "_home", "_lock", "_run", "_settled", "_worker", "check")

    def __init__(self, check: Check, settled: Callable[[Result], None], home: Home) -> None:
        self.check = check
        self._settled = settled
        self._home = home
        self._at_home = self._asynchronous = _is_asynchronous(check.function)
        self._worker = Worker(f"check-{check.name}", self._called)
        self._lock = RLock()
        self._run: _Run | None = None

    async def run(self, timeout_seconds: float) -> Result:
        """Return the result of the current run, or of a new one, within *timeout_seconds* of its start."""
        run = self._current()
        run.call()
        # Not wait_for(): that would wait for the cancellation too, which a check may ignore.
        await run.wait(timeout_seconds)
        return run.result or self._give_up(run)

    def close(self) -> None:
        """Let the thread end, where there is one; a further run gets a new one."""
        self._worker.close()

    def start_afresh(self) -> None:
        """Forget what was going on, in a forked child that has neither the thread nor the loop."""
        self._lock = RLock()
        self._run = None
        self._worker.start_afresh()

    def _current(self) -> _Run:
        with self._lock:
            run = self._run
            if run is None or (run.is_over() and not self._worker.busy):
                run = self._run = self._begun()
            return run

    def _begun(self) -> _Run:
        here = asyncio.get_running_loop()
        run = _Run(self._home.loop() if self._at_home else here)
        if run.loop is not here:
            try:
                run.loop.call_soon_threadsafe(run.begin, self._execute)
            except RuntimeError:  # Closed since it was looked at.
                run = _Run(here)
            else:
                return run
        run.begin(self._execute)
        return run

    def _give_up(self, run: _Run) -> Result:
        timeout = Result("timeout", run.seconds(), stalled=run.silent)
        self._settle(run, timeout)
        run.give_up()
        return run.result or timeout

    async def _execute(self, run: _Run) -> None:
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
            self._settle(run, Result("timeout" if late else "failed", seconds, error))
        else:
            self._settle(run, Result("failed" if answer is False else "ok", run.seconds()))

    def _called(self) -> object:
        """Call the function on its thread, and wait there for what another kind of loop has to await."""
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
            return await answer
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(answer), home))

    def _settle(self, run: _Run, result: Result) -> None:
        if run.settle(result):
            self._settled(result)


def _awaited_abroad(abroad: Awaiter, answer: Awaitable[object], seconds: float) -> object:
    try:
        return abroad(answer, seconds)
    finally:
        if inspect.iscoroutine(answer):
            answer.close()  # A loop that has ended has not begun it; Python would warn of that.


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer


def _wake(probe: "asyncio.Future[None]") -> None:
    if not probe.done():
        probe.set_result(None)


def _is_cancelled() -> bool:
    """Whether it was us, or the end of the loop, that cancelled: a check may raise CancelledError itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_asynchronous(function: CheckFunction) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    return inspect.iscoroutinefunction(getattr(type(function), "__call__", None))  # noqa: B004 -- an async __call__
