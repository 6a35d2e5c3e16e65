"""A writer of lines on a bench of its own."""

import os
import select
import threading
from dataclasses import dataclass, field

from observekit.logs.output import opened
from observekit.logs.writer import Writer

LINE = b"x" * 99 + b"\n"
LIMIT = 1024 * 1024
LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


@dataclass
class Bench:
    """A writer, what it counted, and the reader's end of its pipe."""

    descriptor: int | None
    limit: int = LIMIT
    dropped: dict[str, int] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.writer = Writer(opened(self.descriptor), self.limit, self._drop, self._resume)

    def _drop(self, reason: str, lines: int) -> None:
        with self.changed:
            self.dropped[reason] = self.dropped.get(reason, 0) + lines
            self.changed.notify_all()

    def has_dropped(self, lines: int) -> bool:
        """Wait until as many lines are lost; say whether they are."""
        with self.changed:
            return self.changed.wait_for(lambda: sum(self.dropped.values()) >= lines, LONG)

    def _resume(self, lost: int) -> bytes:
        return b"lost %d\n" % lost


def read_all(reader: int) -> list[bytes]:
    """Return what is in the pipe now, as lines."""
    os.set_blocking(reader, False)
    found = b""
    try:
        while piece := os.read(reader, 65536):
            found += piece
    except BlockingIOError:
        pass
    return found.splitlines(keepends=True)


def read_lines(reader: int, lines: int) -> list[bytes]:
    """Return *lines* as they come; a line that says how many are lost stands for those."""
    found = b""
    while _told(found) < lines:
        assert select.select([reader], [], [], LONG)[0], "nothing came"
        found += os.read(reader, 65536)
    return found.splitlines(keepends=True)


def _told(found: bytes) -> int:
    lines = found.splitlines(keepends=True)[: found.count(b"\n")]
    return sum(int(line.split()[1]) if line.startswith(b"lost") else 1 for line in lines)
