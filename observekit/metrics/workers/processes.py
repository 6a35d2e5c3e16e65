"""Which processes there are, told apart by more than a number that the next one may get."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = "/proc"
_STATE, _PARENT, _SESSION, _FLAGS, _START = 0, 1, 3, 6, 19  # In proc_pid_stat(5), after the name.
_FORKED_WITHOUT_EXEC: Final = 0x40  # PF_FORKNOEXEC


class Process(NamedTuple):
    """What the kernel says of a process."""

    pid: int
    parent: int
    session: int
    forked: bool
    started: int
    zombie: bool


def look_up(pid: int) -> Process | None:
    """Return what is known of *pid*; None if there is no such process, or no /proc."""
    try:
        stat = Path(f"{_PROC}/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        return Process(
            pid,
            int(fields[_PARENT]),
            int(fields[_SESSION]),
            bool(int(fields[_FLAGS]) & _FORKED_WITHOUT_EXEC),
            int(fields[_START]),
            fields[_STATE] in (b"Z", b"X"),
        )
    except (OSError, ValueError, IndexError):
        return None


def start_of(pid: int) -> int:
    """Return when *pid* started, in clock ticks since boot, or 0 if nobody can tell."""
    process = look_up(pid)
    return 0 if process is None else process.started


def is_running(pid: int, started: int) -> bool:
    """Tell whether the process *pid* that *started* then still runs; in doubt it does."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # It is another user's by now, or may not be asked.
    process = look_up(pid)
    if process is None:  # Gone since, or there is no /proc.
        return not started or start_of(os.getpid()) == 0
    return not process.zombie and (not started or process.started == started)


def executable_of(pid: int) -> tuple[int, int] | None:
    """Return what tells the program of *pid* from others, or None if we may not know."""
    with suppress(OSError):
        found = os.stat(f"{_PROC}/{pid}/exe")  # noqa: PTH116 -- a link that is no path
        return found.st_dev, found.st_ino
    return None
