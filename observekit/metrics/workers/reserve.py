"""A file of doubles that is mapped into memory, and has its room before it is written to.

To write through a map into a page that the file system has no room for is death by SIGBUS. So the room is
taken first, where an error is an error, and nothing is ever mapped again or grown behind a map.
"""

import errno
import mmap
import os
from typing import Final

from observekit.metrics.workers.layout import DOUBLE
from observekit.metrics.workers.private import make_file
from observekit.metrics.workers.shapes import Record

# The first chunk and the largest: a small service takes 64 KiB, a large one has few maps.
FIRST_CHUNK: Final = 64 * 1024
LARGEST_CHUNK: Final = 1024 * 1024
# What one worker may take in all; the series beyond stay in its memory.
LIMIT: Final = 64 * 1024 * 1024

_FLAGS: Final = os.O_RDWR | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class FullError(OSError):
    """A series is more than one worker may take; it will be so the next time too."""


class Reserve:
    """A file that is handed out by the record, none of which crosses the edge of a chunk.

    Nobody may open it for writing again, so that it is not cut off by accident under the map.

    Attributes:
        fd: Kept as long as the file is in use: to close it gives up the lock that is on it.
        size: How many bytes are reserved.

    Raises:
        OSError: From the constructor and from ``take``: there is no room, or no file.
    """

    __slots__ = ("_chunks", "_used", "fd", "limit", "size")

    def __init__(self, path: str, limit: int = LIMIT) -> None:
        self.fd = make_file(path, _FLAGS)
        self.limit = limit
        self.size = self._used = 0
        self._chunks: list[tuple[int, Record]] = []

    def take(self, width: int) -> tuple[int, Record]:
        """Return the offset of *width* doubles that are zero and nobody's, and the doubles.

        Raises:
            OSError: There is no room for them.
        """
        start = self._used
        if not self._chunks or start + width * DOUBLE > self.size:
            start = self.size
            self._grow(width * DOUBLE)
        base, chunk = self._chunks[-1]
        self._used = start + width * DOUBLE
        first = (start - base) // DOUBLE
        return start // DOUBLE, chunk[first : first + width]

    def contents(self) -> bytes:
        """Return everything that has been handed out so far, and the gaps."""
        return b"".join(part.tobytes() for part in self._parts())

    def count(self, double: bytes) -> int:
        """Return how often there is *double*, a chunk at a time so that other threads can run in between."""
        return sum(part.tobytes().count(double) for part in self._parts())

    def restore(self) -> None:
        """Take the room again that was cut off, as zeros.

        Raises:
            OSError: There is none.
        """
        if self.fd >= 0:
            left = os.fstat(self.fd).st_size
            if left < self.size:
                _reserve(self.fd, left, self.size - left)

    def close(self) -> None:
        """Let go of the file, but not of the records."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def _parts(self) -> list[Record]:
        used = self._used
        return [chunk[: max(used - base, 0) // DOUBLE] for base, chunk in self._chunks.copy()]

    def _grow(self, at_least: int) -> None:
        size = min(max(self.size, FIRST_CHUNK), LARGEST_CHUNK)
        if at_least > size or self.size + size > self.limit:
            raise FullError(errno.EDQUOT, "no more room for the series of one worker")
        _reserve(self.fd, self.size, size)
        self._chunks.append((self.size, memoryview(mmap.mmap(self.fd, size, offset=self.size)).cast("d")))
        self.size += size


def _reserve(fd: int, start: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, start, size)
    else:
        written = 0
        while written < size:
            written += os.pwrite(fd, bytes(size - written), start + written)
