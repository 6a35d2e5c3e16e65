"""The supervisor: stage by stage from serving to the end, each with a time limit, so that there is an end."""

import os
import signal
from time import monotonic
from typing import Final, Literal, NamedTuple

from observekit.cli.run.child import children, reap, send
from observekit.cli.run.signals import Received, Signals
from observekit.cli.run.systemd import Systemd
from observekit.cli.run.telling import Telling

Stage = Literal["serving", "draining", "stopping", "hurrying", "killing"]

# Once it is told to hurry, a server has this long until it is killed.
_HURRY_SECONDS: Final = 2.0
# A kill can only be late; this is how often those are looked for whom it has made orphans.
_KILL_EVERY_SECONDS: Final = 0.1
# What the command has left behind may take this long to end, as an ordinary end does.
_LEFT_SECONDS: Final = 5.0
# Source: bash(1), EXIT STATUS: how shells tell a death by a signal.
_BY_SIGNAL: Final = 128


class Times(NamedTuple):
    """How long the stages of an end may take, in seconds."""

    delay: float
    timeout: float
    flush: float


class Supervisor:
    """Brings a command, which has the pid *child*, to its end; it is never started again."""

    def __init__(
        self, child: int, signals: Signals, telling: Telling, times: Times, systemd: Systemd
    ) -> None:
        self._child = child
        self._signals = signals
        self._telling = telling
        self._times = times
        self._systemd = systemd
        self._stage: Stage = "serving"
        self._deadline: float | None = None
        self._told: set[int] = set()
        self._upgraded = False
        self._status: int | None = None

    def run(self) -> int:
        """Return the exit code of the command when it has ended, and all that it has left behind."""
        while self._status is None:
            received = self._signals.wait(self._left())
            if received is not None and received.signal != signal.SIGCHLD:
                self._on(received)
            self._reap()
            if self._deadline is not None and monotonic() >= self._deadline:
                self._advance()
            self._systemd.turn()
        self._clear()
        return self._exit_code(self._status)

    def _left(self) -> float | None:
        times = [one for one in (self._deadline, self._systemd.due()) if one is not None]
        return min(times) - monotonic() if times else None

    def _on(self, received: Received) -> None:
        number = received.signal
        if number == signal.SIGTERM:
            self._advance()
            return
        if number == signal.SIGINT:
            self._interrupt(received)
            return
        self._upgraded = self._upgraded or number == signal.SIGUSR2
        if not received.from_terminal:
            send(self._child, number)

    def _advance(self) -> None:
        """Go on to the next stage, because the time of this one is over or somebody is in a hurry."""
        if self._stage == "serving":
            self._enter("draining", self._drain("SIGTERM") + self._times.delay)
        elif self._stage == "draining":
            # All stages together have the time that the documents say, whatever keeps one of them.
            limit = monotonic() + self._times.timeout
            self._telling.flush_who_would_lose(min(self._times.flush, self._times.timeout))
            self._enter("stopping", limit)
            self._tell(signal.SIGTERM)
        elif self._stage == "stopping":
            self._telling.flush(self._times.flush)
            self._enter("hurrying", monotonic() + _HURRY_SECONDS)
            self._tell(signal.SIGINT)
        else:
            hurried = self._stage == "hurrying"
            self._enter("killing", monotonic() + _KILL_EVERY_SECONDS)
            self._kill()
            if hurried:
                self._telling.say("observekit.run_killed", "error", pid=self._child)

    def _tell(self, number: signal.Signals) -> None:
        self._told.add(number)
        send(self._child, number)

    def _interrupt(self, received: Received) -> None:
        """Pass on SIGINT at once: somebody waits for the end. The second one is the server's to hurry."""
        if self._stage in {"serving", "draining"}:
            self._drain("SIGINT")
            self._enter("stopping", monotonic() + self._times.timeout)
        if self._stage in {"stopping", "hurrying"} and not received.from_terminal:
            send(self._child, signal.SIGINT)

    def _drain(self, name: str) -> float:
        self._systemd.stopping()
        return self._telling.drain(f"observekit run got {name}")

    def _enter(self, stage: Stage, deadline: float) -> None:
        self._stage, self._deadline = stage, deadline

    def _kill(self) -> None:
        """Kill all children; whom that makes orphans comes to us, and is killed the next time."""
        for pid in children():
            send(pid, signal.SIGKILL)

    def _reap(self) -> None:
        for pid, status in reap():
            if pid == self._child:
                self._child_ended(status)

    def _child_ended(self, status: int) -> None:
        # Who does not know that signal dies of it, and has started nobody to go on.
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGUSR2
        left = children() if self._upgraded and self._stage == "serving" and not died else []
        if left:  # Source: gunicorn, USR2: the arbiter that it has started is the service from here on.
            self._child, self._upgraded = left[0], False
        else:
            self._status = status

    def _clear(self) -> None:
        """End what the command has left behind: nobody else is going to."""
        for pid in children():
            send(pid, signal.SIGTERM)
        limit = monotonic() + (_KILL_EVERY_SECONDS if self._stage == "killing" else _LEFT_SECONDS)
        if self._stage == "hurrying" and self._deadline is not None:
            limit = min(limit, self._deadline)
        while children():
            # Not until the limit: beyond it, too, who was killed may still be in the kernel.
            received = self._signals.wait(_KILL_EVERY_SECONDS)
            hurry = received is not None and received.signal in {signal.SIGTERM, signal.SIGINT}
            if hurry or monotonic() >= limit:
                self._kill()
            self._reap()

    def _exit_code(self, status: int) -> int:
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            # uvicorn ends itself by the signal that it was asked to end with: it has done as it was told.
            return 0 if number in self._told else _BY_SIGNAL + number
        return os.WEXITSTATUS(status)
