"""A file descriptor to write lines to, without waiting for its reader longer than one is told to."""

import fcntl
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import Final
from weakref import finalize

# A pipe that polls as writable takes this many bytes without blocking, and takes them in one piece.
PIPE_BUF: Final = select.PIPE_BUF
# How long to wait for a reader before looking whether it is too late.
PATIENCE_SECONDS: Final = 0.1
# How long to leave a descriptor alone that polls as writable and is not: another process was quicker.
_PAUSE_SECONDS: Final = 0.01
_STANDARD: Final = 3

Late = Callable[[], bool]


class Output:
    """An own duplicate of *descriptor*, which stays as it is: other processes may share it.

    Raises:
        OSError: If there is no such descriptor.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = _duplicate(descriptor)
        self._identity = _identity(self._descriptor)
        # Not at exit: lines are written until the very end, and the number could be taken by another file.
        finalize(self, _close, self._descriptor, self._identity).atexit = False

    def write(self, data: bytes, late: Late) -> int:
        """Write *data* and return how many bytes; fewer where it failed, or nobody read until *late*."""
        done = 0
        with suppress(OSError):
            if _identity(self._descriptor) != self._identity:
                # Somebody closed every descriptor, and this number is another file now.
                return 0
            while done < len(data):
                written = self._write_some(data[done : done + PIPE_BUF]) if self._ready(late) else 0
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

    def _write_some(self, data: bytes) -> int:
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


def _duplicate(descriptor: int) -> int:
    """Return an own descriptor; for a pipe one that never blocks, without changing that for others."""
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        with suppress(OSError):  # No /proc, or a pipe of another user.
            again = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            return _above_standard(again)
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _STANDARD)


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
