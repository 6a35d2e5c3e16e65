"""Processes that the benchmark starts, and how it talks with them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen


@contextmanager
def listener(module: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Run *module* with a socket, whose descriptor is its first argument; yield port and process id.

    The socket exists before the process is ready: who connects early waits in its queue.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        port, descriptor = listening.getsockname()[1], listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(descriptor), *arguments],
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def sink() -> Iterator[str]:
    """Run the sink; yield its URL."""
    with listener("benchmarks.sink") as (port, _):
        yield f"http://127.0.0.1:{port}"


def endpoint(sink_url: str, name: str) -> str:
    """Return where *name* sends its spans."""
    return f"{sink_url}/{name}/v1/traces"


def arrived(sink_url: str, name: str) -> int:
    """Return how many spans of *name* came since this was asked last."""
    with urlopen(f"{sink_url}/{name}") as answer:  # noqa: S310 -- our own sink
        return int(answer.read())


class Worker:
    """A process that drives one row in itself; its standard output is the null device."""

    def __init__(self, row: str, sink_url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.drive", row, sink_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._row = row

    def ask(self, requests: int) -> dict[str, Any]:
        """Let it answer *requests* requests; return what it says about them."""
        assert self._process.stdin is not None  # noqa: S101 -- opened as pipes above
        assert self._process.stderr is not None  # noqa: S101
        self._process.stdin.write(f"{requests}\n")
        self._process.stdin.flush()
        told: list[str] = []
        for line in self._process.stderr:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
            told.append(line)
        raise RuntimeError(f"the process of {self._row!r} ended:\n{''.join(told)}")

    def end(self) -> None:
        """Let it end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)
