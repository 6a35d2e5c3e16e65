"""Which processes belong together: those that one process has started to share its work.

A group is called after the process that started it, so that nothing has to be handed over: the boot, the pid
namespace, the pid, and when it started, since the next one may get the same pid. Releases that would not
understand each other's files do not meet, because the layout of the files is in the name too.
"""

import os
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from observekit.metrics.workers.layout import VERSION
from observekit.metrics.workers.processes import Process, executable_of, look_up, start_of

_PARTS: Final = 5


class Start(NamedTuple):
    """A start of a service."""

    boot: str
    namespace: int
    pid: int
    started: int
    layout: int = VERSION

    @property
    def name(self) -> str:
        """Return the name of its group's directory."""
        return "-".join(map(str, self))


def parse(name: str) -> Start | None:
    """Return the start that the directory *name* belongs to, or None if it is no group's."""
    parts = name.split("-")
    if len(parts) == _PARTS and parts[0].isalnum():
        with suppress(ValueError):
            return Start(parts[0], *map(int, parts[1:]))
    return None


def start_by(pid: int) -> Start:
    """Return the start of the service that *pid* began."""
    return Start(_boot(), _namespace(), pid, start_of(pid) or _family_secret())


def starter() -> int | None:
    """Return the pid of the process that this one shares its work with, or None if it was started alone.

    That is the parent of a multiprocessing child, or a living parent that forked and went on with the same
    program, as gunicorn does. A daemon was forked too; but it has left its parent's session.
    """
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            return int(parent.pid)
    own = look_up(os.getpid())
    if own is None or not own.forked:
        return None
    parent = look_up(own.parent)
    return own.parent if parent is not None and _has_forked(parent, own) else None


def _has_forked(parent: Process, child: Process) -> bool:
    """Tell whether *parent* has forked *child*, and not adopted it."""
    if parent.zombie or parent.session != child.session:
        return False
    # A worker that has given up root may not look at its parent's program; the session has to do.
    program = executable_of(parent.pid)
    return program is None or program == executable_of(child.pid)


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return "0"


def _namespace() -> int:
    with suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0


def _family_secret() -> int:
    """Return what multiprocessing gives to a process and its children, where no start is known."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is None:
        return 0
    return int.from_bytes(sha256(bytes(multiprocessing.current_process().authkey)).digest()[:5])
