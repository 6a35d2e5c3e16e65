"""The way of a line to its output: a queue for the caller, the rest on a thread of its own.

Nothing here makes a caller wait, whatever the reader does. What cannot be written is counted, line by
line, and when writing works again one line says how much was lost. Of a flood, whoever has filled a piece
writes it, where that takes no waiting: each time the thread comes in between, the event loop pays for it.
"""

from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue
from threading import RLock
from time import monotonic, sleep
from typing import Final

from observekit.guard import in_forked_child
from observekit.logs.flood import FLOOD_BYTES, Lines, write_flood
from observekit.logs.output import PATIENCE_SECONDS, PIPE_BUF, Late, Output, first_piece

# How often a caller looks again for lines that others left to him while he wrote. More come from a flood,
# and whoever is next will write them.
_TURNS: Final = 8

# A thread that is woken for every line takes the interpreter from the request that wrote it: that was two
# thirds of what a request paid. A process that is killed loses the lines of this time, and no others; while
# callers write pieces themselves, those of a longer time that are not a piece yet.
_GATHER_SECONDS: Final = 0.005
_FLOOD_SECONDS: Final = 0.05

# What no writing without waiting takes, on the busiest machine.
_LONG_SECONDS: Final = 1.0

# Every so many bytes of the limit, one is kept for urgent lines.
_URGENT_SHARE: Final = 4

Dropped = Callable[[str, int], None]


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
        # Both are re-entrant: a signal handler or a finaliser may log while logging.
        self._lines = Lines()
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._idle = False
        self._counting = RLock()
        # Held by whoever sees to it that lines are written: the thread while it lives, else a caller.
        self._consuming = allocate_lock()
        # Held by whoever takes lines out and writes them, so that they stay in order.
        self._writing = allocate_lock()
        self._flood = FLOOD_BYTES
        self._flooded = False
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
        self._lines.append(line)
        # Whoever holds it looks for lines once more when he has let go of it.
        if not self._consuming.locked():
            self._see_to_it()
            return
        if self._waiting >= self._flood:
            self._write_flood()
        if self._idle and self._lines:
            self._call()

    def _call(self) -> None:
        self._idle = False
        self._calls.put(None)

    def fill(self) -> float:
        """Return how full the buffer is, from 0 to 1."""
        return max(self._waiting, 0) / self._limit

    def writes_to(self, descriptor: int) -> bool:
        """Whether lines are written to the file behind *descriptor*."""
        return self._output is not None and self._output.is_file_of(descriptor)

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
        self._call()
        if self._consuming.acquire(timeout=patience):
            self._consuming.release()
        self._see_to_it()

    def _see_to_it(self) -> None:
        """Have somebody take the lines out, if nobody does: a thread, or the caller at the end."""
        for _ in range(_TURNS):
            if not self._lines or not self._consuming.acquire(blocking=False):
                return
            if not self._closed and self._started():
                return
            try:
                self._write_waiting(_always)
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
            while not self._closed or self._lines:
                self._gather()
                self._write_waiting(self._late)
        finally:
            self._consuming.release()
        self._see_to_it()

    def _gather(self) -> None:
        """Wait for a line or the end, and for more lines; in a flood, until nobody writes pieces any more."""
        self._idle = True
        # Whoever comes after this look calls.
        if not (self._lines or self._closed):
            self._calls.get()
        self._idle = False
        if not self._closed:
            sleep(_GATHER_SECONDS)
        while self._flooded and not self._closed:
            self._flooded = False
            sleep(_FLOOD_SECONDS)

    def _write_waiting(self, late: Late) -> None:
        if not self._writing.acquire(timeout=_LONG_SECONDS):
            # Whoever has it does not wait: the end of the interpreter has stopped him, or an exception of a
            # signal handler, before he could let go of it.
            self._writing = allocate_lock()
            self._writing.acquire()
        writing, lines = self._writing, Lines()
        try:
            self._take_out(lines)
            self._write(lines, late)
            # What an exception of a signal handler's cost: it came after a line was counted and before it was
            # there, or after it was gone. A line that is on its way just now is off by as much, until here.
            with self._counting:
                if not self._lines:
                    self._waiting = 0
            self._flood = self._waiting + FLOOD_BYTES
        finally:
            writing.release()

    def _write_flood(self) -> None:
        output = self._output
        if output is None or self._closed or not self._writing.acquire(blocking=False):
            return
        writing = self._writing
        try:
            if not (self._failing or self._lost):
                write_flood(output, self._lines, lambda: self._writing is writing, self._settle)
            # Else the thread has more to do than to wait for what is not a piece yet.
            self._flooded = self._waiting < FLOOD_BYTES
            self._flood = self._waiting + FLOOD_BYTES
        finally:
            writing.release()

    def _take_out(self, lines: Lines) -> None:
        """Move everything that waits to *lines*, in one step."""
        waiting = self._lines
        lines.extend(islice(iter(waiting.popleft, None), len(waiting)))

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
        _, piece = first_piece(lines, PIPE_BUF if self._output is None else self._output.piece)
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
