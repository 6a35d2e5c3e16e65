"""The files of another worker, which may be living or dead, whole or not."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from observekit.errors import WorkerFileError
from observekit.metrics.workers import layout, locks, processes
from observekit.metrics.workers.keys import KeyTable
from observekit.metrics.workers.layout import DOUBLE, HEADER_BYTES
from observekit.metrics.workers.sieving import Sieve, suspects
from observekit.metrics.workers.snapshot import Page, doubles

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class OtherFile:
    """What another worker tells. Opened once: it is read also after it has been removed.

    Attributes:
        identity: Whose it is.

    Raises:
        OSError: It cannot be opened or read.
        WorkerFileError: It is no worker's file.
    """

    def __init__(self, directory: str, stem: str, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._path = os.path.join(directory, stem)  # noqa: PTH118 -- joined often
        self._table = KeyTable()
        self._data = b""
        self._sieve = Sieve()
        self._descriptors = dict.fromkeys(layout.SUFFIXES, -1)
        try:
            self.identity = _identity(self._open("values"), stem)
            self._open("keys")
        except (OSError, WorkerFileError):
            self.close()
            raise

    def state(self) -> float:
        """Return what the worker says of itself."""
        header = os.pread(self._descriptors["values"], HEADER_BYTES, 0)
        if len(header) < HEADER_BYTES:
            raise WorkerFileError(f"the values of {self.identity.stem!r} have been cut off.")
        return layout.unpack_state(header)

    def is_alive(self) -> bool:
        """Tell whether its worker lives; in doubt it does."""
        with suppress(OSError, WorkerFileError):
            if self.state() == layout.LEFT:
                return False
        return locks.is_marked_alive(self._descriptors["values"]) or processes.is_running(
            self.identity.pid, self.identity.started
        )

    def page(self, *, living: bool, exemplars: bool) -> Page:
        """Return what is in the files now.

        Raises:
            OSError: They cannot be read.
        """
        table = self._table
        before = table.garbage
        table.read(self._descriptors["keys"])
        if table.garbage > before:
            self._failed(WorkerFileError(f"{table.garbage - before} keys of {self._path!r} are damaged."))
        shapes, places, minus, marks, end = table.shapes, table.places, table.minus, table.marks, table.end
        data = self._read(end)
        values = doubles(data)
        return Page(
            slot=self.identity.slot,
            living=living,
            shapes=shapes,
            places=places,
            minus=minus,
            values=values,
            odd=suspects(data),
            marks=marks,
            exemplars=self._read_exemplars() if exemplars and living and marks else b"",
            sieve=self._sieve,
        )

    def close(self) -> None:
        """Let go of the files."""
        for suffix, descriptor in self._descriptors.items():
            self._descriptors[suffix] = -1
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)

    def _open(self, suffix: str) -> int:
        self._descriptors[suffix] = descriptor = os.open(f"{self._path}.{suffix}", _FLAGS)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not self._is_ours(found.st_uid):
            raise OSError(errno.EPERM, "not a file of ours", f"{self._path}.{suffix}")
        return descriptor

    def _is_ours(self, uid: int) -> bool:
        # Root may have handed the directory over, and its user has files in it then.
        return uid in (os.geteuid(), 0) or uid == os.stat(os.path.dirname(self._path)).st_uid  # noqa: PTH116, PTH120

    def _read(self, end: int) -> bytes:
        """Return *end* doubles. Where they have been cut off, the last values that were there still count."""
        size = end * DOUBLE
        data = os.pread(self._descriptors["values"], size, HEADER_BYTES)
        if len(data) < size:
            self._failed(WorkerFileError(f"the values of {self._path!r} have been cut off."))
            data = (data + self._data[len(data) :]).ljust(size, b"\0")
        self._data = data
        return data

    def _read_exemplars(self) -> bytes:
        if self._descriptors["exemplars"] < 0:
            self._open("exemplars")
        descriptor = self._descriptors["exemplars"]
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _identity(descriptor: int, stem: str) -> layout.Identity:
    identity = layout.unpack_header(os.pread(descriptor, HEADER_BYTES, 0))
    if identity.stem != stem:
        raise WorkerFileError(f"the file {stem!r} is that of {identity.stem!r}.")
    return identity


def is_locked(path: str) -> bool:
    """Tell whether a living worker has the file *path* locked, whatever stands in it; in doubt it has."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return True
    try:
        return locks.is_marked_alive(descriptor)
    finally:
        os.close(descriptor)
