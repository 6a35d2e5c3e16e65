"""The records of this process: in its file where that can be, in its memory where not."""

from array import array
from collections.abc import Callable
from threading import RLock
from typing import Final

from observekit.metrics.workers import exemplars
from observekit.metrics.workers.keys import Places
from observekit.metrics.workers.reserve import FullError
from observekit.metrics.workers.shapes import Labels, Record, Shape, SharedExemplar, Values, is_absent
from observekit.metrics.workers.sieving import Sieve, suspects
from observekit.metrics.workers.snapshot import Page
from observekit.metrics.workers.writing import OwnFile

Key = tuple[Shape, Labels]

_NO_SLOT: Final = -1
# A new series is written in microseconds. Who holds the lock for longer is stuck, perhaps waiting for us.
_WAIT_SECONDS: Final = 1.0
# Series that have gone are given back when there are so many, and half of all or, where there is no room for
# others, an eighth. To copy a thousand takes a millisecond, so that it pays after some hundreds more.
_GONE: Final = 1000
_SHARE: Final = 2
_SHARE_IF_FULL: Final = 8


class Records:
    """Hands out each series' record, the same one each time until they move.

    Any thread may ask, also in a signal handler or a finaliser in the middle of another question.

    Attributes:
        own: The file; none where there is none, for now.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._lock = RLock()
        self._busy = False
        self._shared: dict[Key, Record] = {}
        self._private: dict[Key, Record] = {}
        self._unshareable: set[Key] = set()
        self._folded: dict[Key, Values] = {}
        self._slots: dict[tuple[Shape, Labels, int], memoryview] = {}
        self.own: OwnFile | None = None

    @property
    def are_waiting(self) -> bool:
        """Tell whether some are in memory that could be in a file."""
        return len(self._private) > len(self._unshareable)

    @property
    def are_left_out(self) -> bool:
        """Tell whether some are in memory because this process has as many as it may share."""
        return bool(self._unshareable)

    def have_refuse(self) -> bool:
        """Tell whether so many of them have gone that the file is worth to be made anew without those."""
        own = self.own
        if own is None or len(self._shared) <= _GONE:
            return False
        share = _SHARE_IF_FULL if self._unshareable else _SHARE
        return own.absent > max(_GONE, len(self._shared) // share)

    def drop_refuse(self) -> bool:
        """Forget those in memory that have gone, where they are many, and tell whether there were such."""
        if len(self._private) <= _GONE:
            return False
        with self._lock:
            gone = [key for key, record in list(self._private.items()) if self._has_gone(key, record)]
            if len(gone) <= max(_GONE, len(self._private) // _SHARE):
                return False
            for key in gone:
                del self._private[key]
            self._unshareable.difference_update(gone)
            return True

    def __len__(self) -> int:
        return len(self._shared) + len(self._private)

    def take(self, shape: Shape, labels: Labels) -> Record:
        """Return the record of a series, at zero if it is new."""
        key = shape.identity, labels
        found = self._find(key)
        if found is not None:
            return found
        if not self._lock.acquire(timeout=_WAIT_SECONDS):
            return self._keep(key, shape)
        try:
            return self._find(key) or self._new(key, shape)
        finally:
            self._lock.release()

    def exemplar(self, shape: Shape, labels: Labels, bucket: int, exemplar: SharedExemplar | None) -> None:
        """Write the newest exemplar of a bucket, if there is a file, and it fits."""
        data = exemplars.pack(exemplar)
        if data is None:
            return
        key = shape.identity, labels, bucket
        slot = self._slots.get(key)
        if slot is None:
            slot = self._place_exemplar(key, shape)
        if slot is not None:
            slot[: len(data)] = data

    def pages(self) -> list[Page]:
        """Return what all of them have now."""
        own = self.own
        pages = [] if own is None else [own.page()]
        private = {key: record for key, record in list(self._private.items()) if key not in self._shared}
        if private:
            pages.append(_page(_NO_SLOT if own is None else own.identity.slot, private))
        return pages

    def move(self, own: OwnFile, *, folded: bool, whole: bool = False) -> bool:
        """Take all of them to the file *own*, with their values, and tell whether they are there.

        Where they have been *folded*, the others have counted them up to here already. With *whole* all is
        as before if there is no room for some that had it; but some may have been taken there meanwhile.
        """
        with self._lock:
            if folded:
                for key, record in self._shared.items():
                    if key[0].merge == "sum":
                        self._folded[key] = list(map(float, record))
            kept = self._shared, self._private, self._unshareable, self._slots, self.own
            before = self._private | self._shared
            self._busy = True
            try:
                self._slots = {}
                self._shared, self._private = {}, before.copy()
                self._unshareable = set()
                self.own = own
                self._settle(own)
                waiting = self._private.keys() - self._unshareable
                if not whole or waiting.isdisjoint(kept[0]):
                    return True
                came = {key: record for key, record in list(self._private.items()) if key not in before}
                self._shared, self._private, self._unshareable, self._slots, self.own = kept
                self._private |= came
                return False
            finally:
                self._busy = False

    def settle(self) -> bool:
        """Take those in memory to the file, as far as there is room, and tell whether any has moved."""
        with self._lock:
            if self._busy or self.own is None or not self.are_waiting:
                return False
            self._busy = True
            try:
                return self._settle(self.own)
            finally:
                self._busy = False

    def _settle(self, own: OwnFile) -> bool:
        moved = False
        for key, record in list(self._private.items()):
            if key in self._unshareable:
                continue
            if key not in self._shared and not self._has_gone(key, record):
                shared = self._share(own, key, key[0])
                if shared is None and key not in self._unshareable:
                    break  # No room; the next would tell the same.
                if shared is None:
                    continue
                shared[:] = record
            del self._private[key]
            moved = True
        return moved

    def _has_gone(self, key: Key, record: Record) -> bool:
        # One that was folded while it was there has to be taken away from the sum of the dead.
        return key not in self._folded and is_absent(record[0])

    def _new(self, key: Key, shape: Shape) -> Record:
        # Busy: we are called from within ourselves. Closed: we have left.
        if self._busy or self.own is None or not self.own.is_open:
            return self._keep(key, shape)
        self._busy = True
        try:
            return self._share(self.own, key, shape) or self._keep(key, shape)
        finally:
            self._busy = False

    def _find(self, key: Key) -> Record | None:
        return self._shared.get(key) or self._private.get(key)

    def _share(self, own: OwnFile, key: Key, shape: Shape) -> Record | None:
        try:
            record = own.place(shape, key[1])
            if key in self._folded:
                own.place(shape, key[1], "m")[:] = memoryview(array("d", self._folded[key]))
        except FullError as error:
            self._unshareable.add(key)
            self._failed(error)
        except Exception as error:  # noqa: BLE001 -- a full disk as well as a label that is no string
            self._failed(error)
        else:
            self._shared[key] = record
            return record
        return None

    def _keep(self, key: Key, shape: Shape) -> Record:
        return self._private.setdefault(key, memoryview(array("d", bytes(8 * shape.width))))

    def _place_exemplar(self, key: tuple[Shape, Labels, int], shape: Shape) -> memoryview | None:
        with self._lock:
            if self._busy or self.own is None or not self.own.is_open or key[:2] not in self._shared:
                return self._slots.get(key)
            self._busy = True
            try:
                self._slots[key] = slot = self.own.place_exemplar(shape, key[1], key[2])
            except Exception as error:  # noqa: BLE001 -- as above
                self._failed(error)
                return None
            finally:
                self._busy = False
            return slot


def _page(slot: int, records: dict[Key, Record]) -> Page:
    places: Places = {}
    values: Values = []
    for (shape, labels), record in records.items():
        places.setdefault(shape, {})[labels] = len(values)
        values += map(float, record)
    shapes = {shape: shape for shape in places}
    odd = suspects(array("d", values).tobytes())
    return Page(slot, True, shapes, places, {}, values, odd, {}, b"", Sieve())  # noqa: FBT003 -- a record's fields
