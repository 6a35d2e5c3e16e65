"""Who listens on a port that is taken, as far as the kernel tells."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENING: Final = "0A"
_ADDRESS, _STATE, _INODE = 1, 3, 9


def is_one_of(pids: Iterable[int], port: int) -> bool:
    """Tell whether one of *pids* listens on *port*; in doubt it does."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:  # It has just ended, or there is no /proc.
        return True
    try:
        return any(sockets & set(_open(pid)) for pid in pids)
    except PermissionError:  # Somebody has given up root, or has not.
        return True


def _listening(port: int) -> Iterator[str]:
    for table in _TABLES:
        with suppress(OSError), Path(table).open() as lines:
            next(lines, None)
            for line in lines:
                fields = line.split()
                if fields[_STATE] == _LISTENING and fields[_ADDRESS].endswith(f":{port:04X}"):
                    yield fields[_INODE]


def _open(pid: int) -> Iterator[str]:
    directory = f"/proc/{pid}/fd"
    with suppress(FileNotFoundError, ProcessLookupError):
        for name in os.listdir(directory):  # noqa: PTH208 -- names are all it takes
            with suppress(FileNotFoundError, ProcessLookupError):
                yield os.readlink(f"{directory}/{name}")  # noqa: PTH115 -- no path, a socket
