"""All the other workers of a group, living, dead and just gone, as far as this process knows of them."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from observekit.errors import WorkerFileError
from observekit.metrics.workers import layout
from observekit.metrics.workers.dead import Dead
from observekit.metrics.workers.processes import is_running
from observekit.metrics.workers.reading import OtherFile, is_locked
from observekit.metrics.workers.snapshot import Page

Failed = Callable[[BaseException], None]

_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


class Others:
    """Opens what is new, keeps what it has, and lets go of what counts no more.

    Attributes:
        files: How many files there are in the directory, by the latest look.
    """

    def __init__(self, directory: str, failed: Failed) -> None:
        self._directory = directory
        self._failed = failed
        self._known: dict[str, OtherFile] = {}
        self._damaged: set[str] = set()
        self._seen_folded = 0
        self.files = 0

    def look(self, own: str, dead: Dead) -> list[OtherFile]:
        """Return the files that count beside *dead*, but not those of this process, the worker *own*.

        Raises:
            OSError: There is a shortage, so that they cannot all be opened.
        """
        gone = {*dead.workers, own}
        names = [name for name in self._names() if name.suffix == "values" and name.worker not in gone]
        listed, turns = {name.stem for name in names}, self._turns()
        self._damaged &= listed
        for name in names:
            known = name.stem in self._known or name.stem in self._damaged
            if not known and name.turn > turns.get(name.worker, -1):
                self._open(name.stem)
        # Read once: who finishes a turn meanwhile would be there with the one before as well.
        finished = self._finished()
        missed = dead.folded - self._seen_folded > len(dead.workers)
        self._forget(gone, listed, _latest(finished), missed=missed)
        self._seen_folded = dead.folded
        return [file for file in finished if file.identity.stem in self._known]

    def slots(self) -> set[int]:
        """Return the slots of all workers that live, by the latest look, and of those that just come."""
        return {file.identity.slot for file in self._known.values() if file.is_alive()}

    def leftovers(self, dead: Dead) -> list[str]:
        """Return the names of files that count no more: folded, outdated, without their other half, damaged.

        Those without their other half may be in the making, as long as there is a process of their number.
        """
        names, turns = self._names(), self._turns()
        spoilt = self._unlocked() | self._unfinished()
        sound = _whole(names) - spoilt
        doubtful = {name.stem: name.pid for name in names if name.stem not in sound}
        running = {stem for stem, pid in doubtful.items() if is_running(pid, 0)}
        # Listed again: who has ended by now may have finished its files since they were listed.
        whole = (_whole(self._names()) - spoilt) | running
        return [
            f"{name.stem}.{name.suffix}"
            for name in names
            if name.stem not in whole or name.worker in dead.workers or name.turn < turns.get(name.worker, 0)
        ]

    def present(self) -> set[str]:
        """Return the workers that have any files."""
        return {name.worker for name in self._names()}

    def close(self) -> None:
        """Let go of all of them."""
        while self._known:
            with suppress(KeyError):
                self._known.popitem()[1].close()

    def _names(self) -> list[layout.Name]:
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 -- names are all it takes
        except OSError as error:
            raise_shortage(error)
            names = []
        self.files = len(names)
        return [parsed for name in sorted(names) if (parsed := layout.parse_name(name)) is not None]

    def _open(self, stem: str) -> None:
        try:
            self._known[stem] = OtherFile(self._directory, stem, self._failed)
        except FileNotFoundError:
            return  # Folded or removed just now.
        except WorkerFileError as error:
            self._damaged.add(stem)
            self._failed(error)
        except OSError as error:  # It may be readable the next time.
            raise_shortage(error)
            self._failed(error)

    def _forget(self, gone: set[str], listed: set[str], turns: dict[str, int], *, missed: bool) -> None:
        """Let go of *gone*, of files before the latest *turns*, and of the dead that may be folded unseen."""
        for stem, file in list(self._known.items()):
            worker, turn = file.identity.worker, file.identity.turn
            unseen = missed and stem not in listed and not file.is_alive()
            if worker in gone or turn < turns.get(worker, 0) or unseen:
                del self._known[stem]
                file.close()

    def _finished(self) -> list[OtherFile]:
        return [file for file in self._known.values() if _state(file) != layout.PREPARING]

    def _turns(self) -> dict[str, int]:
        return _latest(self._finished())

    def _unlocked(self) -> set[str]:
        """Return the damaged files that no living worker has locked."""
        paths = {stem: os.path.join(self._directory, f"{stem}.values") for stem in self._damaged}  # noqa: PTH118
        return {stem for stem, path in paths.items() if not is_locked(path)}

    def _unfinished(self) -> set[str]:
        """Return the files whose maker died over them."""
        preparing = [file for file in self._known.values() if _state(file) == layout.PREPARING]
        # Looked at again: whoever has ended by now may have finished and counted meanwhile.
        dead = [file for file in preparing if not file.is_alive()]
        return {file.identity.stem for file in dead if _state(file) == layout.PREPARING}


def _whole(names: list[layout.Name]) -> set[str]:
    """Return the stems that have both values and keys."""
    values, keys = ({name.stem for name in names if name.suffix == suffix} for suffix in ("values", "keys"))
    return values & keys


def _latest(finished: list[OtherFile]) -> dict[str, int]:
    """Return the latest turn of each worker that has any."""
    turns: dict[str, int] = {}
    for file in finished:
        worker, turn = file.identity.worker, file.identity.turn
        turns[worker] = max(turn, turns.get(worker, 0))
    return turns


def _state(file: OtherFile) -> float:
    try:
        return file.state()
    except (OSError, WorkerFileError):
        return layout.LIVING  # Cut off; what was read of it before still counts.


def page_of(file: OtherFile, failed: Failed, *, exemplars: bool) -> Page | None:
    """Return what is in *file*, or None if it cannot be read.

    Raises:
        OSError: There is a shortage, of which the file knows nothing.
    """
    try:
        return file.page(living=file.is_alive(), exemplars=exemplars)
    except OSError as error:
        raise_shortage(error)
        failed(error)
        return None


def raise_shortage(error: Exception) -> None:
    """Raise *error* if this process, or the machine, is short of something, so that no file can be read.

    Whoever went on would show the sum over some of the workers as if it were that over all.
    """
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        raise error
