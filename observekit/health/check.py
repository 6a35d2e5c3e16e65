"""One health check: what it asks, how much it matters, and how it is run within its time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock
from time import perf_counter
from typing import Final, Literal

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
    """What came of one run: the status, the time it took, and the exception where there was one."""

    status: Status
    seconds: float
    error: BaseException | None = None


class _Run:
    """One run of a check: begun once, settled once, waited for by any number of probes on any loop."""

    __slots__ = ("_lock", "_waiting", "result", "started", "task")

    def __init__(self) -> None:
        self._lock = RLock()
        self._waiting: list[asyncio.Future[None]] = []
        self.started = perf_counter()
        self.result: Result | None = None
        self.task: asyncio.Task[None] | None = None

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
    thread and no other, and is not started again until it returns. *settled* is told the result of each run.
    """

    __slots__ = ("_lock", "_run", "_settled", "_worker", "check")

    def __init__(self, check: Check, settled: Callable[[Result], None]) -> None:
        self.check = check
        self._settled = settled
        self._worker = (
            None if _is_asynchronous(check.function) else Worker(f"check-{check.name}", check.function)
        )
        self._lock = RLock()
        self._run: _Run | None = None

    async def run(self, timeout_seconds: float) -> Result:
        """Return the result of the current run, or of a new one, within *timeout_seconds* of its start."""
        run = self._current()
        # Not wait_for(): that would wait for the cancellation too, which a check may ignore.
        await run.wait(timeout_seconds)
        return run.result or self._give_up(run)

    def close(self) -> None:
        """Let the thread end, where there is one; a further run gets a new one."""
        if self._worker is not None:
            self._worker.close()

    def start_afresh(self) -> None:
        """Forget what was going on, in a forked child that has neither the thread nor the loop."""
        self._lock = RLock()
        self._run = None
        if self._worker is not None:
            self._worker.start_afresh()

    def _current(self) -> _Run:
        with self._lock:
            run = self._run
            if run is None or self._is_over(run):
                run = self._run = _Run()
                run.task = asyncio.get_running_loop().create_task(self._execute(run))
            return run

    def _is_over(self, run: _Run) -> bool:
        """Whether nothing of *run* goes on any more; a task does not while its loop does not run."""
        if self._worker is not None and self._worker.busy:
            return False
        task = run.task
        return task is not None and (task.done() or not task.get_loop().is_running())

    def _give_up(self, run: _Run) -> Result:
        timeout = Result("timeout", run.seconds())
        self._settle(run, timeout)
        if run.task is not None:
            with suppress(RuntimeError):  # Its loop is closed.
                run.task.get_loop().call_soon_threadsafe(run.task.cancel)
        return run.result or timeout

    async def _execute(self, run: _Run) -> None:
        try:
            answer = await self._answer()
        except GeneratorExit:
            raise
        except BaseException as error:
            if _is_cancelled():
                raise
            self._settle(run, Result("failed", run.seconds(), error))
        else:
            self._settle(run, Result("failed" if answer is False else "ok", run.seconds()))

    async def _answer(self) -> object:
        answer = self.check.function() if self._worker is None else await self._worker.call()
        for _ in range(_AWAITABLES):
            if inspect.isawaitable(answer):
                answer = await answer
        return answer

    def _settle(self, run: _Run, result: Result) -> None:
        if run.settle(result):
            self._settled(result)


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
