"""Services as processes: started under ``observekit run`` or alone, asked over HTTP, and always ended."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

LONG = 40.0
"""Seconds that nothing here takes: a limit for what went wrong."""
ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    """What came back; status 0 where nobody answered."""

    status: int
    body: str = ""
    connection: str | None = None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def until(true: Callable[[], Any], what: str, seconds: float = LONG) -> Any:
    """Return what *true* returns as soon as that is something."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if found := true():
            return found
        sleep(0.01)
    raise TimeoutError(what)


def get(port: int, path: str, method: str = "GET") -> Answer:
    """Ask on a connection of its own."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        client.request(method, path)
        response = client.getresponse()
        return Answer(response.status, response.read().decode(), response.getheader("connection"))
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        client.close()


class Service:
    """A process and its descendants, with its output in files."""

    def __init__(self, command: Sequence[str], directory: Path, port: int = 0, **environ: str) -> None:
        self.port = port
        self.output, self.errors = directory / f"{port}.out", directory / f"{port}.err"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OBSERVEKIT"))
        }
        runtime = {"RUNTIME_DIRECTORY": str(directory), "PYTHONPATH": str(ROOT)}
        with self.output.open("ab") as out, self.errors.open("ab") as err:
            self.process = subprocess.Popen(
                command, env={**kept, **runtime, **environ}, stdout=out, stderr=err, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def get(self, path: str, method: str = "GET") -> Answer:
        return get(self.port, path, method)

    def ready(self) -> "Service":
        until(lambda: self.get("/readyz").status == 200 or self.ended(), f"not ready: {self.said()}")
        assert not self.ended(), self.said()
        return self

    def ended(self) -> bool:
        return self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = LONG) -> int:
        return self.process.wait(seconds)

    def said(self) -> str:
        return self.output.read_text() + self.errors.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return what was logged under *name*."""
        found = []
        for line in self.said().splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and event.get("event") == name:
                    found.append(event)
        return found

    def family(self) -> list[int]:
        """Return the pids of this process and of all below it."""
        parents = dict(_parents())
        found = [self.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid and child not in found]
        return found

    def stop(self) -> None:
        """End the process and all below it, whatever it takes."""
        if self.ended():
            return
        for pid in reversed(self.family()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(LONG)


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def is_alive(pid: int) -> bool:
    """Whether there is such a process; one that only waits to be reaped counts as alive."""
    return Path(f"/proc/{pid}").exists()


def supervised(command: Sequence[str], *options: str) -> list[str]:
    """Return the command line that has *command* supervised."""
    return [sys.executable, "-m", "observekit", "run", *options, "--", *command]


def cli(*arguments: str, directory: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of observekit."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OBSERVEKIT"))}
    runtime = {"RUNTIME_DIRECTORY": str(directory), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "observekit", *arguments],
        env={**kept, **runtime, **environ},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@contextmanager
def running(command: Sequence[str], directory: Path, port: int = 0, **environ: str) -> Iterator[Service]:
    """Start a service; nothing of it is left afterwards."""
    service = Service(command, directory, port, **environ)
    try:
        yield service
    finally:
        service.stop()
