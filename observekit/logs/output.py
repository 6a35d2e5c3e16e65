"""A file descriptor to write lines to, without waiting for its reader longer than one is told to."""

import fcntl
import os
import select
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from time import sleep
from typing import Final
from weakref import finalize

from observekit.logs.turn import Turn

# A pipe that polls as writable takes this many bytes without blocking, and takes them in one piece.
PIPE_BUF: Final = select.PIPE_BUF
# A file takes any number in one piece. Each write lets go of the interpreter, and where requests keep it busy
# a thread waits some 5 ms until it is given back: fewer writes are fewer of those waits.
_FILE_PIECE: Final = 64 * 1024
_NULL: Final = os.makedev(1, 3)
# How long to wait for a reader before looking whether it is too late.
PATIENCE_SECONDS: Final = 0.1
# How long to leave a descriptor alone that polls as writable and is not: another process was quicker.
_PAUSE_SECONDS: Final = 0.01
_STANDARD: Final = 3

Late = Callable[[], bool]


class Output:
    """An own duplicate of *descriptor*, which stays as it is: other processes may share it.

    Attributes:
        piece: Bytes that are taken in one piece, so that no line of another process comes between.

    Raises:
        OSError: If there is no such descriptor.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._never_blocks = _duplicate(descriptor)
        self._identity = _identity(self._descriptor)
        status = os.fstat(self._descriptor)
        is_regular = stat.S_ISREG(status.st_mode)
        # A write to either waits for no reader.
        is_file = is_regular or (stat.S_ISCHR(status.st_mode) and status.st_rdev == _NULL)
        self._may_block = not (is_file or self._never_blocks)
        # But for a disk, which may be slow, or far away.
        self._at_once = not (is_regular or self._may_block)
        # The kernel lets no two writes to a file overlap, whatever their size.
        self._turn = None if is_file else Turn(self._descriptor)
        self.piece = _FILE_PIECE if is_file else PIPE_BUF
        # Not at exit: lines are written until the very end, and the number could be taken by another file.
        finalize(self, _close, self._descriptor, self._identity).atexit = False

    def is_file_of(self, descriptor: int) -> bool:
        """Whether *descriptor*, of which there may be none, is of the same file as this one."""
        with suppress(OSError):
            return _identity(descriptor) == self._identity
        return False

    def begin(self, late: Late) -> None:
        """Wait until no other process writes a line; end() must follow."""
        if self._turn is not None:
            self._turn.take(late)

    def begin_at_once(self) -> bool:
        """Whether one can write without waiting for readers, disks or other writers; then end() follows."""
        with suppress(OSError):
            same = self._at_once and _identity(self._descriptor) == self._identity
            return same and (self._turn is None or self._turn.taken())
        return False

    def write_at_once(self, piece: bytes) -> bool:
        """Write a piece after begin_at_once(); whether it is written, which it is whole or not at all."""
        try:
            return os.write(self._descriptor, piece) == len(piece)
        except OSError:
            return False

    def share(self, late: Late) -> None:
        """Between two lines, let other processes write theirs if we have written for long."""
        if self._turn is not None:
            self._turn.share(late)

    def end(self) -> None:
        """Let other processes write."""
        if self._turn is not None:
            self._turn.give()

    def write(self, data: bytes, late: Late) -> int:
        """Write *data* and return how many bytes; fewer where it failed, or nobody read until *late*."""
        done = 0
        with suppress(OSError):
            if _identity(self._descriptor) != self._identity:
                # Somebody closed every descriptor, and this number is another file now.
                return 0
            # Of a line that is longer, as much at once as there is room for: processes that know nothing of
            # turns have less of a chance to come in between.
            piece = len(data) if self._never_blocks else self.piece
            while done < len(data):
                written = self._write_some(data[done : done + piece], late)
                done += written
                if not written:
                    if late():
                        break
                    sleep(_PAUSE_SECONDS)
        return done

    def _ready(self, late: Late) -> bool:
        # A new one each time: one that is waited on while the process forks is out of use in the child.
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0 if late() else PATIENCE_SECONDS * 1000))

    def _write_some(self, data: bytes, late: Late) -> int:
        # Nobody is asked beforehand who would say no by himself: that is one call less for each piece.
        if self._may_block and not self._ready(late):
            return 0
        written = self._tried(data)
        return self._tried(data) if not written and self._ready(late) else written

    def _tried(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0


def opened(descriptor: int | None) -> Output | None:
    """Return *descriptor* as output; ``None`` where there is none, or no such one."""
    try:
        return None if descriptor is None else Output(descriptor)
    except OSError:
        return None


def _duplicate(descriptor: int) -> tuple[int, bool]:
    """Return an own descriptor, and whether it never blocks: one of a pipe, whatever others set on theirs."""
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        with suppress(OSError):  # No /proc, or a pipe of another user.
            again = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            return _above_standard(again), True
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _STANDARD), False


def _above_standard(descriptor: int) -> int:
    """Keep the numbers of the standard streams free, where the process was started without them."""
    if descriptor >= _STANDARD:
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _STANDARD)
    finally:
        os.close(descriptor)


def _close(descriptor: int, identity: tuple[int, int]) -> None:
    with suppress(OSError):
        if _identity(descriptor) == identity:
            os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def first_piece(lines: Iterable[bytes], limit: int) -> tuple[int, bytes]:
    """Return how many *lines* make a piece of *limit* bytes, and the piece; a longer one goes alone."""
    size = 0
    count = 0
    for line in lines:
        size += len(line)
        if size > limit and count:
            break
        count += 1
    return count, b"".join(islice(lines, count))
