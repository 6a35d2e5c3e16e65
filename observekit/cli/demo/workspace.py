"""The temporary directory of a demo, and those that killed ones have left behind."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

_PREFIX: Final = "observekit-demo-"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def workspace() -> Iterator[Path]:
    """Give a directory that is removed at the end, after those of demos that have no process any more."""
    _sweep()
    directory, descriptor = _own()
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _own() -> tuple[Path, int]:
    """Return a new directory and what holds its lock, which goes with the process, however that ends."""
    while True:
        directory = Path(mkdtemp(prefix=_PREFIX))
        # Another demo may take it for a dead one's, until the lock is ours.
        with suppress(FileNotFoundError):
            descriptor = os.open(directory, _DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if directory.is_dir():
                return directory, descriptor
            os.close(descriptor)


def _sweep() -> None:
    for directory in Path(gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # No directory, somebody else's, gone, or in use.
            descriptor = os.open(directory, _DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_uid == os.getuid():
                    shutil.rmtree(directory)
            finally:
                os.close(descriptor)
