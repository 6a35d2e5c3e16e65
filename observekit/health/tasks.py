"""What has to be done before a process can be asked: start-up tasks, each with how far it is."""

from collections.abc import Callable, Iterator
from threading import RLock
from time import monotonic
from types import TracebackType
from typing import Literal, Self

from observekit.errors import RegistrationError
from observekit.health.check import NAME

TaskState = Literal["running", "done", "failed"]
TaskTold = Callable[["StartupTask", BaseException | None], None]


class StartupTask:
    """One task, at work from ``with`` to its end; one that raises has failed, and start-up is never over.

    Attributes:
        name: What it is called in the probes and metrics.
        total: How many steps it has; ``None`` where nobody knows.
        done: How many of them are behind it.
        state: ``running``, ``done`` or ``failed``.
    """

    __slots__ = ("_began", "_ended", "_told", "done", "name", "state", "total")

    def __init__(self, name: str, total: float | None, told: TaskTold) -> None:
        self.name = name
        self.total = total
        self.done = 0.0
        self.state: TaskState = "running"
        self._told = told
        self._began = monotonic()
        self._ended: float | None = None

    def advance(self, steps: float = 1) -> None:
        """Note that so many further steps are done."""
        self.done += steps

    @property
    def ratio(self) -> float:
        """How much is done, from 0 to 1; 0 where nobody knows, until all is."""
        if self.state == "done":
            return 1.0
        return min(1.0, max(0.0, self.done / self.total)) if self.total else 0.0

    @property
    def seconds(self) -> float:
        """How long it has been at work."""
        return (monotonic() if self._ended is None else self._ended) - self._began

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._ended = monotonic()
        self.state = "done" if kind is None else "failed"
        self._told(self, error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class Tasks:
    """The start-up tasks of a process; *told* hears the end of each, with the exception where it failed."""

    __slots__ = ("_lock", "_tasks", "told")

    def __init__(self) -> None:
        self._lock = RLock()
        self._tasks: dict[str, StartupTask] = {}
        self.told: TaskTold = _nobody

    def begin(self, name: str, total: float | None) -> StartupTask:
        """Begin a task; one of a name that has ended is begun anew.

        Raises:
            RegistrationError: If the name cannot be a label or is that of a task at work, or *total* is not
                above 0.
        """
        if not NAME.fullmatch(name):
            raise RegistrationError(
                f"{name!r} cannot name a start-up task; it must be 1 to 64 letters, digits, '_', '.' or '-', "
                "and begin with a letter or digit."
            )
        if total is not None and not total > 0:
            raise RegistrationError(
                f"total of start-up task {name!r} is {total!r}, but must be above 0, or None if unknown."
            )
        task = StartupTask(name, total, self._ended)
        with self._lock:
            before = self._tasks.get(name)
            if before is not None and before.state == "running":
                raise RegistrationError(f"a start-up task {name!r} is at work already; names must differ.")
            self._tasks[name] = task
        return task

    def all(self) -> tuple[StartupTask, ...]:
        """Return all tasks, in the order in which they began."""
        return tuple(self._tasks.values())

    def are_done(self) -> bool:
        """Whether none is at work or has failed."""
        return all(task.state == "done" for task in self.all())

    def are_at_work(self) -> bool:
        """Whether there are some at work, and none has failed."""
        return {task.state for task in self.all()} in ({"running"}, {"running", "done"})

    def forget(self) -> None:
        """Forget those of another life."""
        with self._lock:
            self._tasks = {name: task for name, task in self._tasks.items() if task.state == "running"}

    def readings(self) -> Iterator[tuple[tuple[str], float]]:
        """Yield how much of each task is done."""
        for task in self.all():
            yield (task.name,), task.ratio

    def _ended(self, task: StartupTask, error: BaseException | None) -> None:
        self.told(task, error)


def _nobody(_: StartupTask, __: BaseException | None) -> None:
    """Do nothing, where nobody wants to be told."""
