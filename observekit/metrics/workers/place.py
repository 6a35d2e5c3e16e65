"""Where the files of a group are: in the first directory that will do, for all its workers the same."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from observekit.errors import WorkerFileError
from observekit.metrics.workers import kin, layout
from observekit.metrics.workers.private import is_private, make_private
from observekit.metrics.workers.reading import OtherFile
from observekit.metrics.workers.reserve import FIRST_CHUNK, Reserve
from observekit.metrics.workers.sweeping import PROBE, remove_empty, remove_own, sweep

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 -- a private directory is made in it

# Services that end remove their home only if it is empty: one at a time, and not often.
_AGAIN: Final = 3

# What a path comes to that leads nowhere; a ValueError where it cannot even be one, as with a NUL in it.
_UNUSABLE: Final = (OSError, ValueError)

Failed = Callable[[BaseException], None]


class Place:
    """Finds the directory of a group.

    Args:
        configured: Where it shall be, if the service says so.
        environ: May name a runtime directory, as systemd does.
        failed: Is told what does not work on the way.
        service: Whose group it is: one process may start workers of several services.
    """

    def __init__(
        self, configured: str | None, environ: Mapping[str, str], failed: Failed, service: str = ""
    ) -> None:
        self._failed = failed
        self._own = 0, ""
        bases = [
            configured,
            environ.get("RUNTIME_DIRECTORY", "").split(":")[0],
            environ.get("XDG_RUNTIME_DIR"),
            _SHARED_MEMORY,
            *_temporary(),
        ]
        # A relative one would be another for each working directory.
        self._bases = [base for base in bases if base and Path(base).is_absolute()] or [_SHARED_MEMORY]
        self._configured = configured
        self._service = service

    @property
    def _homes(self) -> list[Path]:
        # Each time anew: who gives up root before he has any workers has homes of his own.
        return [_home(base, self._service) for base in self._bases]

    def of_worker(self) -> Path | None:
        """Return the directory of the group that this process was started into; None if it is alone."""
        starter = kin.starter()
        if starter is None:
            return None
        return self._with_worker(starter) or self._choose(kin.start_by(starter).name)

    def of_starter(self) -> Path:
        """Return the directory of the group that this process starts, for workers that are to come."""
        return self._choose(self._own_name())

    def of_children(self) -> Path | None:
        """Return the directory that children of this process have made for their group, if they have."""
        return self._existing(self._own_name())

    def end(self) -> None:
        """Remove the directory of the group that this process has started, if all its workers have ended."""
        directory = self.of_children()
        if directory is not None:
            remove_own(directory)
            remove_empty(directory.parent)

    def _own_name(self) -> str:
        # Kept, because it is asked for with every page of a process that is alone.
        pid = os.getpid()
        if self._own[0] != pid:
            self._own = pid, kin.start_by(pid).name
        return self._own[1]

    def _existing(self, name: str) -> Path | None:
        for home in self._homes:
            with suppress(*_UNUSABLE):
                if is_private(str(home / name)):
                    return home / name
        return None

    def _choose(self, name: str) -> Path:
        return self._existing(name) or self._make(name) or self._homes[0] / name

    def _make(self, name: str) -> Path | None:
        refused: list[Exception] = []
        for home in self._homes:
            try:
                _make_room_again(home, name)
            except _UNUSABLE as error:
                refused.append(error)
                if self._configured and home == _home(self._configured, self._service):
                    self._failed(error)  # Somebody wanted it there.
                continue
            for base in {one.parent for one in self._homes}:  # It may have been another one before.
                self._sweep(base, name)
            return self._existing(name)  # Somebody may have had more luck with a better one meanwhile.
        self._failed(ExceptionGroup("no directory can be used for the workers' files", refused))
        return None

    def _sweep(self, base: Path, name: str) -> None:
        """Remove what has ended, also of other services: theirs may never start again."""
        names: list[str] = []
        with suppress(*_UNUSABLE):  # Some bases have been refused, for whatever reason; none of it gets out.
            names = sorted(os.listdir(base))  # noqa: PTH208 -- names are all it takes
        for home in (base / one for one in names if one.startswith(f"observekit-{os.geteuid()}")):
            with suppress(*_UNUSABLE):
                if is_private(str(home)):
                    sweep(home, name, self._failed)

    def _with_worker(self, pid: int) -> Path | None:
        """Return the directory of the group that *pid* is a living worker of."""
        for group in self._groups():
            for name in _names(group):
                if name.pid == pid and name.suffix == "values" and self._lives(group, name.stem):
                    return group
        return None

    def _groups(self) -> Iterator[Path]:
        for home in self._homes:
            with suppress(*_UNUSABLE):
                if is_private(str(home)):
                    yield from (home / name for name in sorted(os.listdir(home)) if kin.parse(name))  # noqa: PTH208

    def _lives(self, group: Path, stem: str) -> bool:
        try:
            file = OtherFile(str(group), stem, self._failed)
        except (OSError, WorkerFileError):
            return False
        try:
            return file.is_alive()
        finally:
            file.close()


def _temporary() -> list[str]:
    try:
        return [tempfile.gettempdir()]
    except OSError:  # There is none that can be written to.
        return []


def _names(group: Path) -> list[layout.Name]:
    with suppress(OSError):
        return [parsed for name in os.listdir(group) if (parsed := layout.parse_name(name)) is not None]  # noqa: PTH208
    return []


def _home(base: str, service: str) -> Path:
    name = f"observekit-{os.geteuid()}"
    return Path(base) / (f"{name}-{sha256(service.encode()).hexdigest()[:8]}" if service else name)


def _make_room_again(home: Path, name: str) -> None:
    """Make room as below, also where another service, which ends just now, removes what was made."""
    for _ in range(_AGAIN):
        with suppress(FileNotFoundError):
            _make_room(home, name)
            return
    _make_room(home, name)


def _make_room(home: Path, name: str) -> None:
    """Make the directory *name* in *home*, and see that there is room for a worker.

    Raises:
        OSError: There is none, or it is not ours alone.
    """
    os.stat(home.parent)  # noqa: PTH116 -- a base is used if it is there, not made
    make_private(str(home))
    probe = home / f"{PROBE}{secrets.token_hex(8)}"
    try:
        reserve = Reserve(str(probe))
        try:
            reserve.take(FIRST_CHUNK // layout.DOUBLE)
        finally:
            reserve.close()
    finally:
        probe.unlink(missing_ok=True)
    make_private(str(home / name))
