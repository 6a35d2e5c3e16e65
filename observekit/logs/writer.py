"""The way of a line to its output: a queue for the caller, the rest on a thread of its own.

Nothing here makes a caller wait, whatever the reader does. What cannot be written is counted, line by
line, and when writing works again one line says how much was lost.
"""

from _thread import allocate_lock, start_new_thread
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue
from threading import RLock
from time import monotonic, sleep
from typing import Final

from observekit.guard import in_forked_child
from observekit.logs.output import PATIENCE_SECONDS, PIPE_BUF, Late, Output

# How often a caller looks again for lines that others left to him while he wrote. More come from a flood,
# and whoever is next will write them.
_TURNS: Final = 8

# A thread that is woken for every line takes the interpreter from the request that wrote it: that was two
# thirds of what a request paid. A process that is killed loses the lines of this time, and no others.
_GATHER_SECONDS: Final = 0.005

# Every so many bytes of the limit, one is kept for urgent lines.
_URGENT_SHARE: Final = 4

Dropped = Callable[[str, int], None]
Lines = deque[bytes]


class Writer:
    """Writes lines to *output*, or to nowhere if there is none.

    ``dropped(reason, lines)`` is called for what will never be written, ``resumed(lines)`` returns the
    line that says how many were lost.

    Every method may run in a signal handler, a finaliser or a forked child, in the middle of another call.
    """

    def __init__(
        self, output: Output | None, limit_bytes: int, dropped: Dropped, resumed: Callable[[int], bytes]
    ) -> None:
        self._output = output
        self._limit = limit_bytes
        self._ordinary = limit_bytes - limit_bytes // _URGENT_SHARE
        self._dropped = dropped
        self._resumed = resumed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing waiting; also in a forked child, where the parent's lines are the parent's."""
        # SimpleQueue is re-entrant: a signal handler or a finaliser may log while logging.
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._counting = RLock()
        # Held by whoever takes lines out: the thread while it lives, else a caller for a moment.
        self._consuming = allocate_lock()
        self._waiting = 0
        self._lost = 0
        self._failing = False
        self._torn = False
        self._closed = False
        self._deadline: float | None = None

    def write(self, line: bytes) -> None:
        """Hand over one line that ends with a newline; never waits."""
        self._take_in(line, self._ordinary)

    def write_urgent(self, line: bytes) -> None:
        """Hand over one line for which room is kept that write() does not fill: errors are the last to go."""
        self._take_in(line, self._limit)

    def _take_in(self, line: bytes, limit: int) -> None:
        if self._output is None:
            self._lose("no_output", 1)
            return
        size = len(line)
        # No call within: so no other thread runs meanwhile, and none that ends with the process, or is left
        # behind by a fork, can hold the lock for ever.
        with self._counting:
            fits = self._waiting + size <= limit
            if fits:
                self._waiting += size
        if not fits:
            self._lose("buffer_full", 1)
            return
        self._lines.put(line)
        # Whoever holds it looks for lines once more when he has let go of it.
        if not self._consuming.locked():
            self._see_to_it()

    def fill(self) -> float:
        """Return how full the buffer is, from 0 to 1."""
        return self._waiting / self._limit

    def reaches(self, patience_seconds: float) -> bool:
        """Whether lines reach their reader; whoever can wait is told, too, if he has stopped to read."""
        works = self._output is not None and not self._failing
        if not (works and patience_seconds):
            return works and self._waiting < self._ordinary
        before, deadline = self._waiting, monotonic() + patience_seconds
        while before and self._waiting >= before and monotonic() < deadline:
            sleep(_GATHER_SECONDS)
        return not self._failing and self._waiting < max(before, 1)

    def reopen(self) -> None:
        """Write on a thread again, after close()."""
        self._deadline, self._closed = None, False

    def close(self, budget_seconds: float) -> None:
        """Write what is waiting, for at most *budget_seconds*.

        Lines that come later, from the last words of a process, are written at once if the reader is ready.
        """
        patience = 0.0
        if not self._closed:
            self._deadline = monotonic() + budget_seconds
            self._closed = True
            patience = budget_seconds + 2 * PATIENCE_SECONDS
        self._lines.put(None)
        if self._consuming.acquire(timeout=patience):
            self._consuming.release()
        self._see_to_it()

    def _see_to_it(self) -> None:
        """Have somebody take the lines out, if nobody does: a thread, or the caller at the end."""
        for _ in range(_TURNS):
            if self._lines.empty() or not self._consuming.acquire(blocking=False):
                return
            if not self._closed and self._started():
                return
            try:
                self._write(self._taken(None)[0], _always)
            finally:
                self._consuming.release()

    def _started(self) -> bool:
        # Not threading.Thread, whose start() waits until the new thread has had its turn.
        try:
            start_new_thread(self._run, ())
        except RuntimeError:
            # No more threads, or the interpreter is ending: the caller writes, without waiting.
            return False
        return True

    def _run(self) -> None:
        try:
            ending = False
            while not (ending and self._closed):
                first = self._lines.get()
                if not self._closed:
                    sleep(_GATHER_SECONDS)
                lines, ending = self._taken(first)
                self._write(lines, self._late)
        finally:
            self._consuming.release()
        self._see_to_it()

    def _taken(self, line: bytes | None) -> tuple[Lines, bool]:
        """Take everything out that waits after *line*; ``None`` among it says that the end was asked for."""
        taken = [line]
        waiting = self._lines
        # Nobody else takes any out meanwhile, so that all of these are there.
        taken += [waiting.get_nowait() for _ in range(waiting.qsize())]
        if None not in taken:
            return Lines(taken), False  # type: ignore[arg-type]  # as was just said
        return Lines(one for one in taken if one is not None), True

    def _write(self, lines: Lines, late: Late) -> None:
        with suppress(Exception):  # No memory for a copy; what was not written is counted below.
            self._write_in_turn(lines, late)
        if lines:
            self._failing = True
            self._settle(sum(map(len, lines)))
            self._lose("write_failed", len(lines))

    def _write_in_turn(self, lines: Lines, late: Late) -> None:
        if self._output is None:
            return
        self._output.begin(late)
        try:
            works = not self._failing or self._tell_loss(late)
            while lines and works:
                works = self._write_piece(lines, late)
                self._output.share(late)
            if works and self._lost:
                works = self._tell_loss(late)
            self._failing = not works
        finally:
            self._output.end()

    def _write_piece(self, lines: Lines, late: Late) -> bool:
        """Write as many of *lines* as the output takes in one piece, and take those out that are written."""
        piece = _first_piece(lines, PIPE_BUF if self._output is None else self._output.piece)
        written = self._put(piece, late)
        done = 0
        while lines and done + len(lines[0]) <= written:
            done += len(lines.popleft())
        self._settle(done)
        return written == len(piece)

    def _put(self, data: bytes, late: Late) -> int:
        written = 0 if self._output is None else self._output.write(data, late)
        if written:
            # Should the rest never follow, the next line must begin a fresh one.
            self._torn = data[written - 1 : written] != b"\n"
        return written

    def _tell_loss(self, late: Late) -> bool:
        lost = self._lost
        data = (b"\n" if self._torn else b"") + self._resumed(lost)
        told = self._put(data, late) == len(data)
        if told:
            with self._counting:
                self._lost -= lost
        return told

    def _settle(self, size: int) -> None:
        with self._counting:
            self._waiting -= size

    def _lose(self, reason: str, lines: int) -> None:
        with self._counting:
            self._lost += lines
        self._dropped(reason, lines)

    def _late(self) -> bool:
        return self._deadline is not None and monotonic() >= self._deadline


def _always() -> bool:
    return True


def _first_piece(lines: Lines, limit: int) -> bytes:
    """Join lines while an output of such a *limit* takes them whole; a longer one goes alone."""
    size = 0
    count = 0
    for line in lines:
        size += len(line)
        if size > limit and count:
            break
        count += 1
    return b"".join(islice(lines, count))
