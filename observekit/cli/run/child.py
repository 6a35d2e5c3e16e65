"""The command as a child, and all who are children of this process, by their own start or by adoption."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from observekit.cli.processes import parent_of
from observekit.cli.run.signals import Signals

# Source: linux/prctl.h.
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
# Source: POSIX, Shell Command Language, 2.8.2: not found, and found but not executable.
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126


def start(command: Sequence[str], environ: Mapping[str, str], signals: Signals) -> int:
    """Start *command* in this process's own group and return its pid.

    It gets SIGTERM should this process be killed. Orphans that it leaves become children of this process, as
    they do by themselves where this is process 1.
    """
    libc = _libc()
    if libc is not None:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent = os.getpid()
    pid = os.fork()  # There is one thread, and nothing of ours is in its way before the exec.
    if pid == 0:
        _become(command, dict(environ), signals, libc, parent)
    return pid


def _become(
    command: Sequence[str], environ: dict[str, str], signals: Signals, libc: Any, parent: int
) -> None:
    code = _NOT_EXECUTABLE
    try:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # It was killed before the kernel knew.
            return
        if environ.get("LISTEN_PID") == str(
            parent
        ):  # Source: sd_listen_fds(3): sockets handed to one process.
            environ["LISTEN_PID"] = str(os.getpid())
        signals.give_back()
        os.execvpe(command[0], [*command], environ)  # noqa: S606 -- what the caller was told to run
    except FileNotFoundError:
        code = _NOT_FOUND
        os.write(2, f"observekit: {command[0]}: command not found\n".encode())
    except OSError as error:
        os.write(2, f"observekit: {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(code)


def reap() -> Iterator[tuple[int, int]]:
    """Yield pid and wait status of each child that has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def children() -> list[int]:
    """Return the children of this process that have not been reaped, the oldest pid first."""
    own = os.getpid()
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return sorted(pid for pid in pids if parent_of(pid) == own)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a child, which may have ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _libc() -> Any:
    """Return the C library, none where Python was built without ctypes or the kernel is another."""
    try:
        from ctypes import CDLL  # noqa: PLC0415 -- some builds of Python have none

        libc = CDLL(None)
    except (ImportError, OSError):
        return None
    return libc if hasattr(libc, "prctl") else None
