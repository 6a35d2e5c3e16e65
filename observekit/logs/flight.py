"""The flight recorder: records of a request below the level, kept while it runs, written only if it fails.

They are lines already: they have their own time and order, cannot change any more, and their bytes are known.
"""

from collections import deque
from collections.abc import Callable
from threading import RLock
from typing import Final

from opentelemetry.context import Context, create_key, get_value

from observekit.guard import in_forked_child
from observekit.logs.record import Record

# Source: a page of a browser's window is 40 lines; who reads more of one request searches.
RECORDS: Final = 256
BYTES: Final = 64 * 1024
"""Of one request; the last ones are kept."""

_KEY: Final = create_key("observekit-flight")


Made = tuple[bytes, Record | None]
"""A line, and its record where that is sent as well."""


class Ring:
    """The last records of one request: level and line of each."""

    __slots__ = ("bytes", "left_out", "lines", "open")

    def __init__(self) -> None:
        self.lines: deque[tuple[str, Made]] = deque()
        self.bytes = 0
        self.left_out = 0
        self.open = True


class Recorder:
    """Keeps records of requests from *level* on; ``write(level, made)`` takes those that are wanted at last.

    All rings together hold at most *limit_bytes*; what does not fit is left out, and counted in its request.
    A record that is sent as well counts as once more its line.
    """

    def __init__(
        self, level: int, slow_seconds: float, limit_bytes: int, write: Callable[[str, Made], None]
    ) -> None:
        self.level = level
        self._slow = slow_seconds
        self._limit = limit_bytes
        self._write = write
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._bytes = 0

    def begin(self, context: Context) -> Context:
        """Return *context* with a ring of its own, for a request that begins."""
        return Context({**context, _KEY: Ring()})

    def keeps(self, number: int) -> bool:
        """Whether a record of this level would be kept, here and now."""
        if number < self.level:
            return False
        ring = get_value(_KEY)
        return isinstance(ring, Ring) and ring.open

    def keep(self, level: str, made: Made) -> None:
        """Keep a line for the current request."""
        size = _size(made)
        ring = get_value(_KEY)
        if not isinstance(ring, Ring):
            return
        with self._lock:
            if not ring.open:
                return
            if self._bytes + size > self._limit:
                ring.left_out += 1
                return
            ring.lines.append((level, made))
            self._add(ring, size)
            while len(ring.lines) > RECORDS or ring.bytes > BYTES:
                self._add(ring, -_size(ring.lines.popleft()[1]))
                ring.left_out += 1

    def end(self, context: Context, seconds: float, *, failed: bool) -> tuple[int, int]:
        """Write what was kept if the request *failed* or took long; return how many, and how many not.

        Afterwards nothing is kept for it: what goes on in the background is nobody's failure yet.
        """
        ring = get_value(_KEY, context)
        if not isinstance(ring, Ring):
            return 0, 0
        with self._lock:
            ring.open = False
            lines, ring.lines = ring.lines, deque()
            self._add(ring, -ring.bytes)
        if not (failed or seconds >= self._slow):
            return 0, 0
        for level, made in lines:
            self._write(level, made)
        return len(lines), ring.left_out

    def _add(self, ring: Ring, size: int) -> None:
        ring.bytes += size
        self._bytes += size


def _size(made: Made) -> int:
    line, record = made
    return len(line) if record is None else 2 * len(line)
