"""Asking the processes of a service, all at once and in limited time."""

import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from time import monotonic
from typing import Any, Final, NamedTuple

from observekit.health.place import connect

# A page of metrics is never asked for here; what is longer than this is no answer of ours.
_LONGEST: Final = 1024 * 1024
_PIECE: Final = 65536


class Reply(NamedTuple):
    """An answer of a process; ``said`` is empty where it is not JSON."""

    status: int
    text: str
    said: Mapping[str, Any]


class _Talk:
    """One connection: what is still to be sent, and what came."""

    def __init__(self, connection: socket.socket, request: bytes) -> None:
        self.connection = connection
        self.left = request
        self.received = b""

    def turn(self) -> bool:
        """Send or receive once; tell whether there is more to do."""
        try:
            if self.left:
                self.left = self.left[self.connection.send(self.left) :]
                return True
            piece = self.connection.recv(_PIECE)
        except BlockingIOError:
            return True
        except OSError:
            self.received = b""
            return False
        self.received += piece
        return bool(piece) and len(self.received) <= _LONGEST

    def waits_for(self) -> int:
        return EVENT_WRITE if self.left else EVENT_READ


def ask(
    paths: Iterable[Path], method: str, target: str, seconds: float
) -> tuple[dict[Path, Reply], list[Path]]:
    """Return what each process says, and those that are there and said nothing within *seconds*.

    Who is not there any more is left out, and what was left of it removed; so is another user, who is not
    ours to ask.
    """
    talks: dict[Path, _Talk] = {}
    silent: list[Path] = []
    for path in paths:
        try:
            talks[path] = _Talk(connect(path), _request(method, target))
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(OSError):
                path.unlink()
        except PermissionError:  # As of root, for a worker that has given it up.
            continue
        except OSError:
            silent.append(path)  # It is there, and does not come to its connections.
    replies = _exchange(talks, seconds)
    return replies, [*silent, *(path for path in talks if path not in replies)]


def ask_port(
    address: tuple[str, int], method: str, target: str, seconds: float, token: str | None
) -> Reply | None:
    """Return what the ops port of a process says, none where it said nothing.

    Raises:
        OSError: If nobody listens there.
    """
    deadline = monotonic() + seconds
    connection = socket.create_connection(address, timeout=seconds)
    connection.setblocking(False)  # noqa: FBT003 -- the one argument it has
    path = Path()
    talk = _Talk(connection, _request(method, target, token))
    return _exchange({path: talk}, deadline - monotonic()).get(path)


def _request(method: str, target: str, token: str | None = None) -> bytes:
    # The last one says that no page of a browser asks, which cannot send it.
    lines = [f"{method} {target} HTTP/1.1", "host: localhost", "connection: close", "x-observekit: 1"]
    if token is not None:
        lines.append(f"authorization: Bearer {token}")
    return "\r\n".join([*lines, "\r\n"]).encode("utf-8", "surrogateescape")


def _exchange(talks: Mapping[Path, _Talk], seconds: float) -> dict[Path, Reply]:
    deadline = monotonic() + seconds
    replies: dict[Path, Reply] = {}
    with DefaultSelector() as selector:
        for path, talk in talks.items():
            selector.register(talk.connection, talk.waits_for(), path)
        try:
            while selector.get_map() and (left := deadline - monotonic()) > 0:
                for key, _ in selector.select(left):
                    talk = talks[key.data]
                    if talk.turn():
                        selector.modify(talk.connection, talk.waits_for(), key.data)
                        continue
                    selector.unregister(talk.connection)
                    reply = _read(talk.received)
                    if reply is not None:
                        replies[key.data] = reply
        finally:
            for talk in talks.values():
                talk.connection.close()
    return replies


def _read(received: bytes) -> Reply | None:
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():  # noqa: PLR2004
        return None
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    return Reply(int(words[1]), text, said if isinstance(said, dict) else {})
