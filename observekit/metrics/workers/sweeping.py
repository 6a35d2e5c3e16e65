"""Removing what services have left that run no more."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Final

from observekit.metrics.workers import kin, layout, locks, processes
from observekit.metrics.workers.reading import is_locked

PROBE: Final = "probe-"
# Nobody here can look up the processes of another pid namespace, or of another machine that has the directory
# too: their files must not have been used for a day.
FOREIGN_SECONDS: Final = 24 * 3600.0

_PROBE_SECONDS: Final = 60.0


def sweep(home: Path, own: str, failed: Callable[[BaseException], None]) -> None:
    """Remove the groups in *home* that have ended, but never *own*. Nothing is raised, nobody waited for."""
    try:
        with locks.exclusive(str(home), 0.0) as held:
            for name in sorted(os.listdir(home)) if held else ():  # noqa: PTH208 -- names are all it takes
                start = kin.parse(name)
                if name.startswith(PROBE):
                    _remove_probe(home / name)
                elif start is not None and name != own and _has_ended(home / name, start):
                    _remove(home / name)
            if held:
                _remove_empty(home)
    except OSError as error:
        failed(error)


def remove_empty(home: Path) -> None:
    """Remove *home* if there is no service in it; nobody is waited for."""
    with suppress(OSError), locks.exclusive(str(home), 0.0) as held:
        if held:
            _remove_empty(home)


def _remove_empty(home: Path) -> None:
    # Who comes just now makes both again: the lock of a file that has gone is no lock, and a directory that
    # has gone is made.
    if os.listdir(home) == [locks.NAME]:  # noqa: PTH208 -- names are all it takes
        (home / locks.NAME).unlink(missing_ok=True)
        with suppress(OSError):
            home.rmdir()


def remove_own(group: Path) -> None:
    """Remove the *group* that this process has started, and left, unless another worker of it lives."""
    with suppress(OSError), locks.exclusive(str(group), 0.0) as held:
        values = _values(group)
        if held and not _has_locked(values) and not _runs(_pids(values) - {os.getpid()}):
            shutil.rmtree(group, ignore_errors=True)


def _remove(group: Path) -> None:
    with suppress(OSError), locks.exclusive(str(group), 0.0) as held:
        if held and not _has_locked(_values(group)):  # Nobody has come meanwhile.
            shutil.rmtree(group, ignore_errors=True)


def _remove_probe(path: Path) -> None:
    with suppress(OSError):
        if time() - path.lstat().st_mtime > _PROBE_SECONDS:
            path.unlink()


def _has_ended(group: Path, start: kin.Start) -> bool:
    here, values = kin.start_by(os.getpid()), _values(group)
    if _has_locked(values):
        return False
    if (start.boot, start.namespace) != (here.boot, here.namespace):
        return time() - _last_used(group) > FOREIGN_SECONDS
    # The processes that made the files, too: orphans count on. Their headers need not be whole for that.
    return not processes.is_running(start.pid, start.started) and not _runs(_pids(values))


def _values(group: Path) -> list[Path]:
    return list(group.glob("*.values"))


def _pids(values: list[Path]) -> set[int]:
    return {name.pid for path in values if (name := layout.parse_name(path.name)) is not None}


def _runs(pids: set[int]) -> bool:
    return any(processes.is_running(pid, 0) for pid in pids)


def _has_locked(values: list[Path]) -> bool:
    return any(is_locked(str(path)) for path in values)


def _last_used(group: Path) -> float:
    return max(entry.lstat().st_mtime for entry in (group, *group.iterdir()))
