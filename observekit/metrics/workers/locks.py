"""The two locks of a group: one for moments of order, and one that a living worker has on its values.

The first is a ``flock``, which excludes also the threads of one process. The second is a POSIX record lock:
no child inherits it, it ends with its process, and whether it is there can be asked without taking it.
"""

import errno
import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Final

from observekit.guard import in_forked_child
from observekit.metrics.workers.private import make_file

NAME: Final = "lock"

_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW
_PAUSE_SECONDS: Final = 0.002
# struct flock: type, whence, start, length, pid on Linux; start, length, pid, type, whence elsewhere.
_IS_LINUX: Final = sys.platform.startswith("linux")
_FLOCK: Final = struct.Struct("hhqqi4x" if _IS_LINUX else "qqihh")
_QUESTION: Final = (
    (fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0) if _IS_LINUX else (0, 1, 0, fcntl.F_WRLCK, os.SEEK_SET)
)
_TYPE: Final = 0 if _IS_LINUX else 3


class _Held:
    """The descriptors that have a ``flock`` just now, which a forked child must not keep for its parent."""

    def __init__(self) -> None:
        self.descriptors: set[int] = set()
        in_forked_child(self._close)

    def _close(self) -> None:
        descriptors, self.descriptors = self.descriptors, set()
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)


_HELD: Final = _Held()


@contextmanager
def exclusive(directory: str, wait_seconds: float) -> Iterator[bool]:
    """Hold the lock of *directory* if it can be had within *wait_seconds*, and tell whether it is held.

    Raises:
        OSError: The lock cannot be opened.
    """
    path = os.path.join(directory, NAME)  # noqa: PTH118 -- joined often
    descriptor, deadline = -1, monotonic() + wait_seconds
    try:
        while descriptor < 0:
            descriptor = _take(path)
            if descriptor < 0:
                if monotonic() >= deadline:
                    break
                sleep(_PAUSE_SECONDS)
        yield descriptor >= 0
    finally:
        if descriptor >= 0 and descriptor in _HELD.descriptors:  # Otherwise this is a forked child.
            _HELD.descriptors.discard(descriptor)
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _take(path: str) -> int:
    """Return a descriptor that holds the lock, or -1 if somebody else does."""
    descriptor = _open(path)
    _HELD.descriptors.add(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):  # noqa: PTH116 -- beside fstat
            return descriptor
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR, errno.ENOENT):
            _drop(descriptor)
            raise
    _drop(descriptor)  # Somebody has it, or somebody removed its file meanwhile.
    return -1


def _open(path: str) -> int:
    with suppress(FileNotFoundError):
        return _open_existing(path)
    with suppress(FileExistsError):
        return make_file(path, os.O_RDWR | os.O_EXCL | _FLAGS, 0o600)
    return _open_existing(path)


def _open_existing(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | _FLAGS)
    except PermissionError:  # It is root's, who has handed the directory over.
        return os.open(path, _FLAGS)


def _drop(descriptor: int) -> None:
    _HELD.descriptors.discard(descriptor)
    os.close(descriptor)


def mark_alive(descriptor: int) -> None:
    """Lock the values *descriptor* for as long as this process lives, or has no other descriptor closed."""
    with suppress(OSError):  # A file system without locks: the process can be looked up.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)


def unmark(descriptor: int) -> None:
    """Give up the lock that ``mark_alive`` has taken."""
    with suppress(OSError):
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, 0)


def is_marked_alive(descriptor: int) -> bool:
    """Tell whether another process has the values *descriptor* locked."""
    with suppress(OSError):
        answer = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, _FLOCK.pack(*_QUESTION)))
        return bool(answer[_TYPE] != fcntl.F_UNLCK)
    return False
