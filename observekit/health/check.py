"""One health check: what it asks, how much it matters, and how it is run within its time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Literal

Probe = Literal["liveness", "readiness", "startup"]
Criticality = Literal["required", "degraded", "info"]
Status = Literal["ok", "failed", "timeout"]
CheckFunction = Callable[[], object] | Callable[[], Awaitable[object]]


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


class Runner:
    """Runs one check, one run at a time; whoever asks meanwhile waits for the same run.

    A synchronous function runs on a thread that is kept for it: a function that hangs holds that one
    thread and no other, and is not started again until it returns.
    """

    __slots__ = ("_jobs", "_since", "_task", "_threaded", "check", "last")

    def __init__(self, check: Check) -> None:
        self.check = check
        self.last: Result | None = None
        self._threaded = not _is_asynchronous(check.function)
        self._task: asyncio.Task[Result] | None = None
        self._since = 0.0
        self._jobs: SimpleQueue[asyncio.Future[object]] | None = None

    async def run(self, timeout_seconds: float) -> Result:
        """Return the result of the current run, or of a new one, within *timeout_seconds* of its start."""
        task = self._task
        if task is None or task.done():
            task = self._task = asyncio.get_running_loop().create_task(self._run())
            self._since = perf_counter()
        elif task.get_loop() is not asyncio.get_running_loop():
            return self.last or Result("timeout", 0.0)  # Another loop's run cannot be waited for from here.
        left = self._since + timeout_seconds - perf_counter()
        # Not wait_for(): that would wait for the cancellation too, which a check may ignore.
        await asyncio.wait({task}, timeout=max(0.0, left))
        self.last = self._result_of(task)
        return self.last

    def _result_of(self, task: "asyncio.Task[Result]") -> Result:
        if task.done() and not task.cancelled():
            return task.result()
        if not self._threaded:
            task.cancel()
        return Result("timeout", perf_counter() - self._since)

    async def _run(self) -> Result:
        started = perf_counter()
        try:
            answer = await self._answer()
        except Exception as error:  # noqa: BLE001 -- a check may raise anything, that is its way to say no
            return Result("failed", perf_counter() - started, error)
        return Result("failed" if answer is False else "ok", perf_counter() - started)

    async def _answer(self) -> object:
        answer = await self._on_thread() if self._threaded else self.check.function()
        # A plain function may hand back an awaitable, like a lambda around a coroutine function.
        return await answer if inspect.isawaitable(answer) else answer

    def _on_thread(self) -> "asyncio.Future[object]":
        if self._jobs is None:
            self._jobs = SimpleQueue()
            name = f"observekit-check-{self.check.name}"
            Thread(target=_work, args=(self.check.function, self._jobs), name=name, daemon=True).start()
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._jobs.put(answer)
        return answer


def _work(function: CheckFunction, jobs: "SimpleQueue[asyncio.Future[object]]") -> None:
    while True:
        answer = jobs.get()
        value: object = None
        error: Exception | None = None
        try:
            value = function()
        except Exception as raised:  # noqa: BLE001 -- told to whoever waits
            error = raised
        except BaseException as raised:  # noqa: BLE001 -- a SystemExit in a check must not end its thread
            error = RuntimeError(f"the check raised {type(raised).__name__}")
        with suppress(RuntimeError):  # The loop that asked is closed.
            answer.get_loop().call_soon_threadsafe(_settle, answer, value, error)


def _settle(answer: "asyncio.Future[object]", value: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(error)


def _is_asynchronous(function: CheckFunction) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    return inspect.iscoroutinefunction(getattr(type(function), "__call__", None))  # noqa: B004 -- an async __call__
