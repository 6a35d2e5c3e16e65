"""A server that is no Python: started on loopback, held still, killed, and ended with all it started."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 45.0
"""Time that nothing here takes: a limit for what went wrong."""


@dataclass
class Server:
    """A server on a port of its own; what it keeps is in *home*.

    ``command`` runs it, ``answers`` says whether it can be used, and ``user`` is who it runs as where the
    tests run as root, which some servers refuse.
    """

    name: str
    command: list[str]
    port: int
    home: Path
    answers: Callable[[], bool]
    environ: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it can be used."""
        who = becomes(self.user)
        with (self.home / "output").open("ab") as output:
            self.running = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environ, "HOME": str(self.home)},
                cwd=self.home,
                start_new_session=True,
                user=who,
                group=who,
                extra_groups=None if who is None else [],
            )
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        def answers_or_ended() -> bool:
            return self.answers() or self.running is None or self.running.poll() is not None

        _until(answers_or_ended, lambda: f"{self.name} cannot be used: {self.output()}")
        if self.running is None or self.running.poll() is not None:
            raise AssertionError(f"{self.name} has ended: {self.output()}")

    def output(self) -> str:
        return (self.home / "output").read_text(errors="replace")[-3000:]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold it still, with all that it has started: connections stay, and nobody answers."""
        held = self._processes()
        _signal(held, signal.SIGSTOP)
        _until(lambda: all(map(_stands_still, held)), lambda: f"{self.name} goes on")
        try:
            yield
        finally:
            _signal(held, signal.SIGCONT)

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Kill it as a crash would; it is started again at the end."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def kill(self) -> None:
        """Kill it with all that it has started, also what is held still."""
        if self.running is not None:
            _signal(self._processes(), signal.SIGKILL)
            self.running.wait(PATIENCE_SECONDS)

    def _processes(self) -> list[int]:
        if self.running is None:
            return []
        found = [self.running.pid]
        for parent in found:  # It grows while it is walked.
            with suppress(OSError):
                for task in Path(f"/proc/{parent}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found


def _until(condition: Callable[[], bool], told: Callable[[], str]) -> None:
    pause, deadline = Event(), monotonic() + PATIENCE_SECONDS
    while not condition():
        if monotonic() > deadline:
            raise AssertionError(told())
        pause.wait(0.02)


def _stands_still(process: int) -> bool:
    """Whether all threads of a process have stopped, which takes them a moment; or whether it has gone."""
    try:
        states = [(task / "stat").read_text() for task in Path(f"/proc/{process}/task").iterdir()]
    except OSError:
        return True
    return all(state.rpartition(") ")[2].startswith(("T", "Z", "X")) for state in states)


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def program(name: str, *places: str) -> str:
    """Return where a program is; the test is skipped where it is nowhere."""
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", os.defpath)]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def becomes(user: str | None) -> str | None:
    """Return whom a program has to become to run as *user*: nobody else, unless the tests run as root."""
    return user if os.geteuid() == 0 else None


@contextmanager
def home_of(user: str | None) -> Iterator[Path]:
    """Make a directory that *user* owns; not below pytest's, into which nobody else may look."""
    home = Path(tempfile.mkdtemp(prefix="observekit-server-"))
    if (who := becomes(user)) is not None:
        shutil.chown(home, who, who)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def served(server: Server) -> Iterator[Server]:
    """Run *server* from here to the end."""
    try:
        server.start()
        yield server
    finally:
        server.kill()


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def says(port: int, question: bytes, answer: bytes) -> bool:
    """Whether the server on *port* answers *question* with something that begins with *answer*."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(question)
        return connection.recv(64).startswith(answer)
    return False
