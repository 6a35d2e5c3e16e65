"""Whose work a process shares, and who that is: a pid alone is met again by the next life of a container."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

# In proc_pid_stat(5), after the name in parentheses.
_STATE, _FLAGS, _START = 0, 6, 19
# Source: linux/sched.h, PF_FORKNOEXEC.
_FORKED_WITHOUT_EXEC: Final = 0x40


class _About(NamedTuple):
    """What the kernel says of a process; ``started`` is in clock ticks since the host has booted."""

    zombie: bool
    forked: bool
    started: int


def start_of(pid: int) -> int:
    """Return when *pid* has started, in clock ticks since boot; 0 where nobody can tell."""
    about = _about(pid)
    return 0 if about is None else about.started


def is_running(pid: int, started: int) -> bool:
    """Whether the process *pid* that has *started* then still runs; in doubt it does, as of another time."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # There is one, or nobody can tell.
    about = _about(pid)
    return about is None or (not about.zombie and (not started or about.started == started))


def sharing_parent(environ: Mapping[str, str]) -> int | None:
    """Return the pid of the process whose work this one shares, none where nobody says that there is one.

    That is who has started it as a worker. It is the process itself where that is gunicorn's arbiter, which
    has loaded the application for the workers that it is going to fork.
    """
    multiprocessing = sys.modules.get("multiprocessing.process")
    parent = None if multiprocessing is None else multiprocessing.parent_process()
    if parent is not None:
        return int(parent.pid)
    # Source: gunicorn's arbiter sets it before it loads anything, and those that it forks have it too.
    if not environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/"):
        return None
    return os.getppid() if _is_forked() else os.getpid()


def _is_forked() -> bool:
    """Whether this process was forked by its parent and goes on with its program; in doubt it was.

    Who was started by a shell executes another program, and a daemon has left its parent's session.
    """
    about = _about(os.getpid())
    if about is None:
        return True
    parent = os.getppid()
    try:
        # Of a parent outside of the container the number is 0, which would be this process itself.
        return about.forked and parent > 0 and os.getsid(parent) == os.getsid(0)
    except OSError:  # It has just ended, or may not be asked.
        return about.forked


def _about(pid: int) -> _About | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        forked = bool(int(fields[_FLAGS]) & _FORKED_WITHOUT_EXEC)
        return _About(fields[_STATE] in {b"Z", b"X"}, forked, int(fields[_START]))
    except (OSError, ValueError, IndexError):
        return None
