"""Who has started whom, as the kernel tells it."""

from pathlib import Path
from typing import Final

# Source: proc_pid_stat(5): what comes after the name in parentheses: state, parent.
_PARENT: Final = 1
_INIT: Final = 1


def parent_of(pid: int) -> int | None:
    """Return the parent of a process, none where there is no such process."""
    try:
        about = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(about.rpartition(b")")[2].split()[_PARENT])


def is_below(pid: int, ancestor: int) -> bool:
    """Whether *pid* is *ancestor*, or was started by it or by one that it has started."""
    one: int | None = pid
    while one is not None and one > _INIT:
        if one == ancestor:
            return True
        one = parent_of(one)
    return one == ancestor  # Process 1 has started everybody.
