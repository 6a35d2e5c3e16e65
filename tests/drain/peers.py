"""Processes of a service as a test needs them: at a socket or a port, they say what they are told to say."""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple


class Said(NamedTuple):
    """An answer: its status, and what is in it."""

    status: int
    said: Mapping[str, Any] = {}


Answer = Callable[[str, str], Said | None]
"""Answers a method and a path; with nothing it hangs up."""


def report(state: str, **more: Any) -> Said:
    """Return what a process says of itself."""
    return Said(200, {"service": "orders", "pid": 0, "parent": 0, "state": state, "in_flight": 0, **more})


def says_nothing(_: str, __: str) -> None:
    """Hang up on everybody."""


@contextmanager
def peer(listener: socket.socket, answer: Answer) -> Iterator[list[str]]:
    """Answer on *listener*; yield what was asked."""
    asked: list[str] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # It is over.
                return
            with connection:
                method, target, _ = connection.recv(65536).decode().split(" ", 2)
                if target == "/over":
                    return
                asked.append(f"{method} {target}")
                told = answer(method, target.partition("?")[0])
                if told is not None:
                    body = json.dumps(told.said)
                    connection.sendall(f"HTTP/1.1 {told.status} X\r\n\r\n{body}".encode())

    thread = Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        with socket.socket(listener.family) as last:
            last.connect(listener.getsockname())
            last.sendall(b"GET /over HTTP/1.1\r\n\r\n")
        thread.join()
        listener.close()


@contextmanager
def sibling(directory: Path, answer: Answer, name: str = "0-0") -> Iterator[list[str]]:
    """Be one more process at the one place below *directory*; yield what was asked."""
    (place,) = directory.glob("observekit-drain-*/*")
    # By a descriptor, because the directories of tests are too long for the address of a socket.
    held = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(f"/proc/self/fd/{held}/{name}.sock")
        listener.listen()
        with peer(listener, answer) as asked:
            yield asked
    finally:
        listener.close()
        (place / f"{name}.sock").unlink(missing_ok=True)
        os.close(held)


@contextmanager
def at_port(answer: Answer) -> Iterator[int]:
    """Be at a port of this host; yield its number."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    with peer(listener, answer):
        yield port
