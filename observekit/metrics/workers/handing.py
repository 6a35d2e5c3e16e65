"""Handing the directory of a group from root to the user that its workers become.

gunicorn does so with ``--preload --user``: the parent is root, has been set up and stays root; its children
are root for a moment, and then somebody who does not get at what is root's.
"""

import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from observekit.guard import in_forked_child
from observekit.metrics.workers.private import hand_over, is_private
from observekit.metrics.workers.processes import look_up

# Source: some times the second after which root looks again.
PATIENCE_SECONDS: Final = 5.0

_ROOT: Final = 0
_PID: Final = struct.Struct("=q")
_EFFECTIVE: Final = 2  # In the line "Uid:" of proc_pid_status(5).


class Handing:
    """Between root and its forked children, who ask in memory that they have in common.

    It has no file and no descriptor, and is there in processes of root only.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._user = os.geteuid()
        self._asking = _memory_in_common() if self._user == _ROOT else None
        self._asked_at = 0.0
        self._root = os.getpid()
        in_forked_child(self._forked)

    def _forked(self) -> None:
        self._asked_at = 0.0

    def is_awaited(self) -> bool:
        """Tell whether this process is not root any more, and the directory still is; not for long."""
        if os.geteuid() == self._user:
            return False
        with suppress(OSError):
            if is_private(self._directory):
                self._user = os.geteuid()
                return False
        if self._asking is not None and not self._asked_at:
            self._asked_at = monotonic()
            _PID.pack_into(self._asking, 0, os.getpid())
        return monotonic() - self._asked_at < PATIENCE_SECONDS

    def look(self) -> None:
        """Hand the directory over, as root, if a child of this process has asked for it.

        Raises:
            OSError: It cannot be done.
        """
        if self._asking is None or os.geteuid() != _ROOT or self._root != os.getpid():
            return
        (pid,) = _PID.unpack_from(self._asking)
        if pid:
            _PID.pack_into(self._asking, 0, 0)
            user = _user_of(pid)
            # Whoever has been taken over by somebody else must not choose to whom.
            if user != _ROOT and _is_child(pid):
                hand_over(self._directory, user)


def _memory_in_common() -> mmap.mmap | None:
    """Return memory that forked children share; none where there is none, and nobody can ask then."""
    with suppress(OSError):
        return mmap.mmap(-1, _PID.size)
    return None


def _is_child(pid: int) -> bool:
    process = look_up(pid)
    return process is not None and process.parent == os.getpid() and process.forked


def _user_of(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Uid:")).split()[_EFFECTIVE])
    return _ROOT  # It has ended.
