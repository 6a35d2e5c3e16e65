"""A worker among the others of its service: where its metrics stand, and the sum over all of them."""

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Final

from observekit.errors import WorkerFileError
from observekit.guard import in_forked_child
from observekit.metrics.workers import layout, locks, processes
from observekit.metrics.workers.dead import DeadFile
from observekit.metrics.workers.folding import fold
from observekit.metrics.workers.handing import Handing
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.once import Once
from observekit.metrics.workers.others import Others, page_of, raise_shortage
from observekit.metrics.workers.plans import Plans
from observekit.metrics.workers.private import make_private
from observekit.metrics.workers.reading import OtherFile
from observekit.metrics.workers.records import Records
from observekit.metrics.workers.reserve import LIMIT
from observekit.metrics.workers.shapes import Labels, Record, Shape, SharedExemplar
from observekit.metrics.workers.snapshot import Page, Snapshot
from observekit.metrics.workers.writing import OwnFile

# How long a start waits for the others' moments of order, which take milliseconds; who has other threads that
# keep the interpreter busy takes seconds. A child that counts once and ends has no time for more.
JOIN_SECONDS: Final = 0.1
# The sum of the dead changes once a second at most; if it does while we read, we read again.
_ATTEMPTS: Final = 5
# A snapshot takes milliseconds. Who is at it for longer is stuck, perhaps waiting for us.
_WAIT_SECONDS: Final = 1.0
_NO_SLOT: Final = -1
# Where there was no room to make files anew without what has gone, each attempt fills up what others need.
_CROWDED_SECONDS: Final = 60.0


def _nothing() -> None:
    """Do nothing, where nobody has records."""


def _go_on(_: str) -> None:
    """Do nothing between two steps."""


class Group:
    """The workers of one service start. Nothing of it raises; what goes wrong is handed to *failed*.

    ``snapshot`` and ``tend`` may call *rebind*, so whoever calls them must not hold a lock that it takes.

    Attributes:
        slot: A small number that no other living worker has; -1 before ``join`` and where that failed.
        has_seen_others: Whether there is, or ever was, another worker.
        looks: How often the files of all have been read; a snapshot that adds none is one of before.
        rebind: Called when records have moved: whoever has some takes them anew, and writes its values.
    """

    def __init__(
        self, directory: Path, failed: Callable[[BaseException], None], *, limit: int = LIMIT
    ) -> None:
        self._directory = str(directory)
        self._told = Once(failed)
        self._failed = self._told.failed
        self._limit = limit
        self._handing = Handing(self._directory)
        self._begin()
        self.rebind: Callable[[], None] = _nothing
        in_forked_child(self._start_afresh)

    def _begin(self) -> None:
        self._left = self.has_seen_others = False
        self._state = RLock()
        self._busy = self._joined = self._lost = self._in_doubt = False
        self._records = Records(self._failed)
        self._others = Others(self._directory, self._failed)
        self._dead = DeadFile(self._directory)
        self._last = Snapshot([])
        self.looks = 0
        self._plans = Plans()
        self._skipped = 0
        self._crowded_until = 0.0
        self.slot = _NO_SLOT

    def _start_afresh(self) -> None:
        """Have nothing in a forked child: what is in the files is the parent's."""
        parts = self._records.own, self._others, self._dead
        self._begin()
        self.has_seen_others = True  # The parent is one.
        for part in parts:
            if part is not None:
                part.close()

    @property
    def degraded(self) -> bool:
        """Tell whether some or all series are in this process's memory only, for now."""
        if not self._joined or self.is_awaited():
            return False
        records = self._records
        return self._lost or records.own is None or records.are_waiting or records.are_left_out

    def is_awaited(self) -> bool:
        """Tell whether this process has given up root, and waits for root to hand the directory over."""
        return self._handing.is_awaited()

    @property
    def files(self) -> int:
        """Return how many files there are in the directory, by the latest look."""
        return self._others.files

    def join(self) -> None:
        """Become a worker of the group, waiting for the others for a second at most."""
        self._joined, self._left = True, False
        self._alone(lambda: self._enter(JOIN_SECONDS))

    def leave(self) -> None:
        """End in order: what has been counted so far, and is until the others look, stays."""
        self._joined, self._left = False, True
        own = self._records.own
        if own is not None:
            own.leave()
        self._alone(self._let_go)

    def record(self, shape: Shape, labels: Labels) -> Record:
        """Return the record of a series, the same one each time until ``rebind``; at zero if it is new."""
        return self._records.take(shape, labels)

    def exemplar(self, shape: Shape, labels: Labels, bucket: int, exemplar: SharedExemplar | None) -> None:
        """Keep the newest *exemplar* of a bucket; one that is too long for its place is left out."""
        try:
            self._records.exemplar(shape, labels, bucket, exemplar)
        except Exception as error:  # noqa: BLE001 -- labels may be anything
            self._failed(error)

    def snapshot(self, *, exemplars: bool = True, pause: Callable[[], None] = _nothing) -> Snapshot:
        """Return what all workers have counted, this one included; *pause* is called between any two."""
        self._alone(lambda: self._look(pause, exemplars=exemplars))
        return self._last

    def tend(self, step: Callable[[str], None] = _go_on) -> None:
        """See to our own files, and add up who has gone; *step* is told each step of that."""
        if self._joined and not self.is_awaited():
            self._alone(self._handing.look, 0.0)
            self._alone(self._see_to_own, 0.0)
            self._alone(lambda: self._fold(step), 0.0)
            self._told.end_round()

    def _alone(self, work: Callable[[], None], wait_seconds: float = _WAIT_SECONDS) -> None:
        """Do *work* if nobody else is at it; not from within itself, and not if somebody is stuck in it."""
        if not self._state.acquire(timeout=wait_seconds):
            return
        try:
            if not self._busy:
                self._work(work)
        finally:
            self._state.release()

    def _work(self, work: Callable[[], None]) -> None:
        self._busy = True
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- nothing of ours gets out
            self._failed(error)
        finally:
            self._busy = False

    def _let_go(self) -> None:
        self._others.close()
        self._dead.close()

    def _look(self, pause: Callable[[], None], *, exemplars: bool) -> None:
        if self._left or self.is_awaited():  # After the end nobody would close again what is opened now.
            return
        pages: list[Page] = []
        for _ in range(_ATTEMPTS):
            self._refresh()
            others = self._look_round()
            found = []
            for other in others:
                found.append(page_of(other, self._failed, exemplars=exemplars))
                pause()
            pages = [self._dead.last.page, *(page for page in found if page is not None)]
            if self._dead.is_current():
                break
        if self._own_worker() not in self._dead.last.workers:
            pages += self._records.pages()
        if self.is_awaited():  # Root was given up meanwhile, and the others were not seen.
            return
        self._last = Snapshot(pages, pause, self._plans)
        self.looks += 1
        self._tell_skipped(self._last.skipped)

    def _look_round(self) -> list[OtherFile]:
        others = self._others.look(self._own_worker(), self._dead.last)
        self.has_seen_others = self.has_seen_others or bool(others) or self._dead.last.folded > 0
        return others

    def _tell_skipped(self, skipped: int) -> None:
        """Say once how many series are left out."""
        if skipped > self._skipped:
            self._failed(WorkerFileError(f"{skipped} series have values that cannot be, and are left out."))
        self._skipped = skipped

    def _refresh(self) -> None:
        try:
            self._dead.refresh()
        except (OSError, WorkerFileError) as error:
            raise_shortage(error)
            self._failed(error)

    def _own_worker(self) -> str:
        own = self._records.own
        return "" if own is None else own.identity.worker

    def _see_to_own(self) -> None:
        own = self._records.own
        if self._records.drop_refuse():
            self.rebind()
        self._refresh()
        # In this order: who gives up root just now does not get at what is there.
        if own is None or not own.is_mine:
            self._enter(0.0)
        elif not self._is_sound(own):
            self._lost = True
            own.take_room_again()
            self._failed(WorkerFileError(f"the files of the worker {own.identity.stem!r} have been removed."))
            self._enter(0.0)
        elif self._in_doubt:
            self._enter(0.0)
        else:
            own.renew_lock()
            self._see_to_records()

    def _is_sound(self, own: OwnFile) -> bool:
        return own.is_open and self._own_worker() not in self._dead.last.workers and own.is_intact()

    def _see_to_records(self) -> None:
        """Take into the file what has room there by now, and give back what has gone."""
        if self._records.settle():
            self.rebind()
        if self._records.have_refuse() and monotonic() >= self._crowded_until:
            with suppress(TimeoutError):  # Another worker has the lock; it will do the next time.
                self._enter(JOIN_SECONDS)

    def _enter(self, wait_seconds: float) -> None:
        """Make files, and take the records there; whoever has seen the old ones will not miss them."""
        if self.is_awaited():
            return
        before = self._records.own
        make_private(self._directory)
        with locks.exclusive(self._directory, wait_seconds) as held:
            if before is not None and not held:
                if self._in_doubt or not before.is_mine:
                    return
                raise TimeoutError(errno.ETIMEDOUT, "the other workers do not let us in", self._directory)
            self._refresh()
            folded = self._own_worker() in self._dead.last.workers
            # One that is whole is not given up for one that would not be.
            keeps = before is not None and before.is_mine and self._is_sound(before)
            if before is not None and not folded:
                before.state = layout.LIVING  # If we had left: nobody shall fold what we take along.
            identity = self._identity(None if folded else before)
            own = OwnFile(self._directory, identity, layout.PREPARING, self._limit)
        if not self._records.move(own, folded=folded, whole=keeps):
            own.remove()
            self._crowded_until = monotonic() + _CROWDED_SECONDS
            self.rebind()  # Some may have got a record in the files that are removed.
            raise OSError(errno.ENOSPC, "no room to make the files anew", self._directory)
        # Two that come without the lock may take the same slot: one of them gives way later.
        self.slot, self._lost, self._in_doubt = own.identity.slot, False, not held
        try:
            self.rebind()
        finally:
            own.state = layout.LIVING
        if before is not None:
            before.remove()

    def _identity(self, before: OwnFile | None) -> Identity:
        pid = os.getpid()
        self._look_round()
        taken = self._others.slots()
        free = next(slot for slot in range(len(taken) + 1) if slot not in taken)
        slot = free if self.slot == _NO_SLOT or self.slot in taken else self.slot
        worker, turn = (secrets.token_hex(8), 0) if before is None else before.identity[:2]
        return Identity(worker, turn + 1, pid, processes.start_of(pid), slot)

    def _fold(self, step: Callable[[str], None]) -> None:
        others = self._look_round()
        if all(other.is_alive() for other in others) and not self._has_litter():
            return
        with locks.exclusive(self._directory, 0.0) as held:
            if held:
                fold(self._directory, self._dead, self._others, self._own_worker(), self._failed, step)

    def _has_litter(self) -> bool:
        return self._dead.is_damaged or bool(self._others.leftovers(self._dead.last))
