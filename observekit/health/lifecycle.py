"""The life of the process: starting, ready, draining, stopped, or broken."""

from collections.abc import Callable, Iterator
from threading import RLock
from typing import Final, Literal

from observekit.guard import in_forked_child
from observekit.health.moment import Moment, Waiter, no_other_loop
from observekit.health.tasks import StartupTask, Tasks

State = Literal["starting", "ready", "draining", "stopped", "broken"]

# Nothing leads back from draining but resume(), until the end has begun.
_NEXT: Final[dict[State, frozenset[State]]] = {
    "starting": frozenset({"ready", "draining", "stopped", "broken"}),
    "ready": frozenset({"draining", "stopped", "broken"}),
    "draining": frozenset({"stopped", "broken"}),
    "stopped": frozenset(),
    "broken": frozenset({"draining", "stopped"}),
}
# A new start-up is a new life, as in a test-suite that starts one application again and again.
_ENDED: Final = frozenset({"stopped", "broken"})
# Whoever waits for a drain has no more time when the end comes without one.
_LEAVING: Final = frozenset({"draining", "stopped"})

Changed = Callable[[State, State, str], None]
Maintained = Callable[[bool, str], None]


class Lifecycle:
    """Where the process is in its life.

    ``ready`` is reached when every application that began a start-up has finished it.

    Attributes:
        life: How many lives came before this one: a start-up after the end begins another.
        told_to_stop: Whether somebody called ``stop()`` in this life.
        has_begun: Whether anything of it has happened in this process; in a forked child not what happened
            in its parent.
        in_maintenance: Whether somebody asked for no traffic, until he says otherwise.
        tasks: What has to be done before start-up is over.
    """

    __slots__ = (
        "__weakref__",
        "_changed",
        "_draining",
        "_ending",
        "_lock",
        "_maintained",
        "_started",
        "_starting",
        "_state",
        "_waiter",
        "has_begun",
        "in_maintenance",
        "life",
        "tasks",
        "told_to_stop",
    )

    def __init__(
        self,
        changed: Changed | None = None,
        maintained: Maintained | None = None,
        waiter: Waiter = no_other_loop,
    ) -> None:
        self._changed = changed
        self._maintained = maintained
        self._waiter = waiter
        self._draining = Moment(waiter)
        self._lock = RLock()
        self._state: State = "starting"
        self._starting = 0
        self._started = False
        self.in_maintenance = False
        self._ending = False
        self.life = 0
        self.tasks = Tasks()
        self.told_to_stop = self.has_begun = False
        in_forked_child(self._forked)

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    @property
    def draining(self) -> Moment:
        """The moment from which no further traffic is asked for.

        ``await kit.lifecycle.draining`` on any event loop, ``kit.lifecycle.draining.wait(1.5)`` on a thread,
        ``if kit.lifecycle.draining:`` in between. It comes with a drain, or with an end without one.
        """
        return self._draining

    def startup_task(self, name: str, total: float | None = None) -> StartupTask:
        """Return a task, for ``with`` or ``async with``, without whose end start-up is not over.

        Args:
            name: What the probes and metrics call it.
            total: How many steps it has, of which ``task.advance()`` tells; unknown unless given.

        Raises:
            RegistrationError: If the name cannot be a label, or is that of a task at work.
        """
        return self.tasks.begin(name, total)

    def maintenance(self, on: bool, cause: str = "asked to") -> None:  # noqa: FBT001 -- as a switch is read
        """Take this instance out of traffic, or let it back in; unlike a drain it leads back."""
        with self._lock:
            before, self.in_maintenance = self.in_maintenance, on
        if before != on and self._maintained is not None:
            self._maintained(on, cause)

    def begin_startup(self) -> None:
        """Note that an application began its start-up."""
        with self._lock:
            before = self._state
            if before in _ENDED:
                self._state, self._starting, self._ending = "starting", 0, False
                self._started = False
                self.life += 1
                self.told_to_stop = False
                self.tasks.forget()
                self._draining = Moment(self._waiter)
            self._starting += 1
            self.has_begun = True
        if before in _ENDED:
            self._tell(before, "starting", "a start-up began")

    def finish_startup(self, cause: str) -> None:
        """Note that an application finished its start-up; the last one makes the process ready."""
        with self._lock:
            self._starting = max(0, self._starting - 1)
            last = self._starting == 0
            self._started = self._started or last
        if last and self._state == "starting":
            self._enter("ready", cause)

    def serving(self) -> None:
        """Note that a request came; a server that runs no start-up protocol is ready when it serves."""
        if self._state == "ready" or self._starting > 0:
            return
        self._started = True
        if self._state == "starting":
            self._enter("ready", "first request")

    def drain(self, cause: str = "asked to", *, final: bool = False) -> None:
        """Ask for no further traffic: readiness fails from now on, requests are still answered.

        Args:
            cause: Why, for the log.
            final: Whether this is the beginning of the end, after which resume() does nothing.
        """
        self._ending = self._ending or final
        self._enter("draining", cause)

    def resume(self, cause: str = "asked to") -> bool:
        """Take a drain back, and tell whether there is none any more; there is once the end has begun."""
        with self._lock:
            if self._state != "draining" or self._ending:
                return self._state in {"starting", "ready"}
            state: State = "ready" if self._started and self._starting == 0 else "starting"
            self._state = state
            self._draining = Moment(self._waiter)
            # A process that only starts those who serve may have drained with them.
            self.has_begun = self._started or self._starting > 0
        self._tell("draining", state, cause)
        return True

    def stop(self, cause: str = "asked to") -> None:
        """Note that the service has ended its work, and that only another start-up may begin again."""
        self.told_to_stop = True
        self._enter("stopped", cause)

    def finish(self, cause: str) -> None:
        """Note that the last application has ended."""
        self._enter("stopped", cause)

    def fail(self, cause: str) -> None:
        """Note that the process is beyond repair: liveness fails, so that it is replaced."""
        self._enter("broken", cause)

    def readings(self) -> Iterator[tuple[tuple[str], float]]:
        """Yield each state, with 1 for the one that holds."""
        now = self._state
        for state in _NEXT:
            yield (state,), float(state == now)

    def told(self) -> Iterator[tuple[tuple[str], float]]:
        """Yield the readings for other workers: none of a process that only starts those who serve."""
        if self.has_begun:
            yield from self.readings()

    def _forked(self) -> None:
        self._lock = RLock()
        self.has_begun = False

    def _enter(self, state: State, cause: str) -> None:
        with self._lock:
            before = self._state
            if state not in _NEXT[before]:
                return
            self._state = state
            self.has_begun = True
        if state in _LEAVING:
            self._draining.come()
        self._tell(before, state, cause)

    def _tell(self, before: State, state: State, cause: str) -> None:
        if self._changed is not None:
            self._changed(before, state, cause)
