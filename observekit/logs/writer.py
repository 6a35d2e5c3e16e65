"""The way of a line to a file descriptor: an append for the caller, the rest on a thread of its own.

Nothing here makes a caller wait, whatever the reader of the descriptor does. What cannot be written
is counted, and when writing works again one line says how much was lost.
"""

import os
import select
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from time import monotonic
from typing import Final
from weakref import finalize

from observekit.guard import in_forked_child

# A pipe that polls as writable takes this many bytes without blocking, and takes them in one piece.
_PIPE_BUF: Final = select.PIPE_BUF
# How long the thread waits for a reader before it looks whether it should end.
_PATIENCE_SECONDS: Final = 0.1

Dropped = Callable[[str, int], None]


class Writer:
    """Writes lines to *descriptor*, or to nowhere if there is none.

    The descriptor is duplicated and left as it is otherwise: not closed, not set non-blocking, because
    other processes may share it. ``dropped(reason, lines)`` is called for what will never be written,
    ``resumed(lines)`` returns the line that says how many were lost.
    """

    def __init__(
        self, descriptor: int | None, limit_bytes: int, dropped: Dropped, resumed: Callable[[int], bytes]
    ) -> None:
        self._descriptor = None if descriptor is None else os.dup(descriptor)
        if self._descriptor is not None:
            finalize(self, os.close, self._descriptor)
        self._limit = limit_bytes
        self._dropped = dropped
        self._resumed = resumed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing waiting; also in a forked child, where the parent's lines are the parent's."""
        # SimpleQueue and RLock are re-entrant: a signal handler or a finaliser may log while logging.
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = RLock()
        self._waiting = 0
        self._lost = 0
        self._thread: Thread | None = None
        self._torn = False
        self._closed = False
        self._deadline: float | None = None

    def write(self, line: bytes) -> None:
        """Hand over one line that ends with a newline; never waits."""
        with self._lock:
            refused = self._refused(len(line))
            if refused is None and self._closed:
                self._write([line])
            elif refused is None:
                self._waiting += len(line)
                # Inside the lock, so that close() cannot come between the check and the line.
                self._lines.put(line)
                if self._thread is None:
                    self._start()
        if refused is not None:
            self._lose(refused, 1)

    def reopen(self) -> None:
        """Write on a thread again, after close()."""
        with self._lock:
            if self._closed:
                self._closed, self._deadline, self._thread = False, None, None

    def close(self, budget_seconds: float) -> None:
        """Write what is waiting, for at most *budget_seconds*.

        Lines that come later, from the last words of a process, are written at once if the reader is ready.
        """
        with self._lock:
            closed, self._closed = self._closed, True
            self._deadline = monotonic() + budget_seconds
            thread = self._thread
        if thread is not None and not closed:
            self._lines.put(None)
            thread.join(budget_seconds + _PATIENCE_SECONDS)

    def _refused(self, size: int) -> str | None:
        if self._descriptor is None:
            return "no_output"
        return "buffer_full" if self._waiting + size > self._limit else None

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="observekit-logs", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # No more threads, or the interpreter is ending: the next line tries again.
            self._thread = None

    def _lose(self, reason: str, lines: int) -> None:
        with self._lock:
            self._lost += lines
        self._dropped(reason, lines)

    def _run(self) -> None:
        lines, closing = self._lines, False
        while not closing:
            batch = [lines.get()]
            with suppress(Empty):
                while True:
                    batch.append(lines.get_nowait())
            closing = batch[-1] is None
            ready = [line for line in batch if line is not None]
            self._write(ready)
            with self._lock:
                self._waiting -= sum(map(len, ready))

    def _write(self, lines: list[bytes]) -> None:
        written = 0
        try:
            if self._lost:
                self._say_resumed()
            for chunk, count in _chunks(lines):
                self._write_whole(chunk)
                written += count
        except OSError:
            self._lose("write_failed", len(lines) - written)

    def _say_resumed(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, 0
        try:
            fresh = b"\n" if self._torn else b""
            self._write_whole(fresh + self._resumed(lost))
        except OSError:
            with self._lock:
                self._lost += lost
            raise

    def _write_whole(self, chunk: bytes) -> None:
        """Write all of *chunk*, waiting for the reader, but not past the deadline of close()."""
        if self._descriptor is None:
            return
        rest = memoryview(chunk)
        while rest:
            while not _writable(self._descriptor, 0 if self._late() else _PATIENCE_SECONDS):
                if self._late():
                    raise TimeoutError("nobody reads")
            rest = rest[os.write(self._descriptor, rest[:_PIPE_BUF]) :]
            # Should the next write fail, whatever follows has to begin on a fresh line.
            self._torn = bool(rest)

    def _late(self) -> bool:
        return self._deadline is not None and monotonic() >= self._deadline


def _writable(descriptor: int, patience_seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(patience_seconds * 1000))


def _chunks(lines: list[bytes]) -> list[tuple[bytes, int]]:
    """Join lines into pieces that a pipe takes whole, with the number of lines in each."""
    chunks: list[tuple[bytes, int]] = []
    held: list[bytes] = []
    size = 0
    for line in lines:
        if held and size + len(line) > _PIPE_BUF:
            chunks.append((b"".join(held), len(held)))
            held, size = [], 0
        held.append(line)
        size += len(line)
    if held:
        chunks.append((b"".join(held), len(held)))
    return chunks
