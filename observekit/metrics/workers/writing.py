"""The files of the worker whose own they are."""

import os
from contextlib import suppress
from typing import Final

from observekit.metrics.workers import layout, locks
from observekit.metrics.workers.exemplars import SLOT_BYTES
from observekit.metrics.workers.keys import KeyFile, Marks, Places, family_entry
from observekit.metrics.workers.layout import HEADER_BYTES, Identity
from observekit.metrics.workers.reserve import LIMIT, Reserve
from observekit.metrics.workers.shapes import ABSENT_BYTES, Labels, Record, Shape
from observekit.metrics.workers.sieving import Sieve, suspects
from observekit.metrics.workers.snapshot import Page, doubles

_HEADER_DOUBLES: Final = HEADER_BYTES // layout.DOUBLE


class OwnFile:
    """What a worker tells the others: a table of keys, values, and exemplars if there are any.

    It is for one thread at a time.

    Raises:
        OSError: The files cannot be made or written to, or have no room.
    """

    def __init__(self, directory: str, identity: Identity, state: float, limit: int = LIMIT) -> None:
        self.identity = identity
        self._user = os.geteuid()
        self._stem = os.path.join(directory, identity.stem)  # noqa: PTH118 -- joined often
        self._limit = limit
        self._families: dict[Shape, int] = {}
        self._shapes: dict[Shape, Shape] = {}
        self._places: Places = {}
        self._copies: Places = {}
        self._minus: Places = {}
        self._marks: Marks = {}
        self._sieve = Sieve()
        self._exemplars: Reserve | None = None
        self._keys = KeyFile(f"{self._stem}.keys", limit)
        try:
            self._values = Reserve(f"{self._stem}.making", limit)
            self._header = self._values.take(_HEADER_DOUBLES)[1]
            locks.mark_alive(self._values.fd)
            self._header.cast("B")[: len(layout.pack_header(identity))] = layout.pack_header(identity)
            self.state = state
            os.rename(f"{self._stem}.making", f"{self._stem}.values")  # noqa: PTH104 -- strings all through
        except OSError:
            self.remove()
            raise

    @property
    def is_mine(self) -> bool:
        """Tell whether it was made as the user that this process is; one of root's cannot go on for long."""
        return self._user == os.geteuid()

    @property
    def is_open(self) -> bool:
        """Tell whether there can be further series."""
        return self._values.fd >= 0

    @property
    def state(self) -> float:
        """Return what the worker says of itself."""
        state: float = self._header[layout.STATE]
        return state

    @state.setter
    def state(self, state: float) -> None:
        self._header[layout.STATE] = state

    def place(self, shape: Shape, labels: Labels, kind: str = "s") -> Record:
        """Return the record of a new series, at zero; with kind "m" of what is taken away from it."""
        family = self._family(shape)
        start, record = self._values.take(shape.width)
        self._keys.append([kind, family, labels, start - _HEADER_DOUBLES])
        places = self._places if kind == "s" else self._minus
        places.setdefault(shape.identity, {})[labels] = start - _HEADER_DOUBLES
        return record

    def place_exemplar(self, shape: Shape, labels: Labels, bucket: int) -> memoryview:
        """Return the bytes for the exemplars of a bucket."""
        family = self._family(shape)
        if self._exemplars is None:
            self._exemplars = Reserve(f"{self._stem}.exemplars", self._limit)
        start, record = self._exemplars.take(SLOT_BYTES // layout.DOUBLE)
        self._keys.append(["e", family, labels, bucket, start * layout.DOUBLE])
        self._marks.setdefault((shape.identity, labels), {})[bucket] = start * layout.DOUBLE
        return record.cast("B")

    def page(self) -> Page:
        """Return what is in the files now."""
        # The keys before the values, copied in one go each: another thread may be adding series.
        shapes, marks = self._shapes.copy(), {key: dict(found) for key, found in self._marks.copy().items()}
        places = {shape: self._copied(shape, found) for shape, found in self._places.copy().items()}
        minus = {shape: dict(found) for shape, found in self._minus.copy().items()}
        data, exemplars = self._values.contents()[HEADER_BYTES:], self._exemplars
        text = b"" if exemplars is None else exemplars.contents()
        return Page(
            slot=self.identity.slot,
            living=True,
            shapes=shapes,
            places=places,
            minus=minus,
            values=doubles(data),
            odd=suspects(data),
            marks=marks,
            exemplars=text,
            sieve=self._sieve,
        )

    @property
    def absent(self) -> int:
        """Return how many series have gone, whose records are nobody's any more."""
        return self._values.count(ABSENT_BYTES)

    def _copied(self, shape: Shape, places: dict[Labels, int]) -> dict[Labels, int]:
        """Return a copy of *places*, the same as before where no series has come."""
        copied = self._copies.get(shape)
        if copied is None or len(copied) != len(places):
            copied = self._copies[shape] = dict(places)
        return copied

    def is_intact(self) -> bool:
        """Tell whether the files are still where the others look for them, and whole."""
        return self._is_there("values", self._values.fd, self._values.size) and self._is_there(
            "keys", self._keys.fd, self._keys.size
        )

    def take_room_again(self) -> None:
        """Have room for all of the values, as zeros where they were cut off: to read those would be death.

        Raises:
            OSError: There is no room.
        """
        self._values.restore()

    def renew_lock(self) -> None:
        """Take the lock again that tells that we live, in case it was lost."""
        locks.mark_alive(self._values.fd)

    def leave(self) -> None:
        """Say that the others may fold the files, and let go of them; last words may still be written."""
        if self.is_open:
            self.state = layout.LEFT
            locks.unmark(self._values.fd)
            self.close()

    def close(self) -> None:
        """Let go of the files, and so of the lock; the records stay."""
        for part in (self._keys, getattr(self, "_values", None), self._exemplars):
            if part is not None:
                with suppress(OSError):
                    part.close()

    def remove(self) -> None:
        """Let go of the files, and delete them."""
        self.close()
        for suffix in layout.SUFFIXES:
            with suppress(OSError):
                os.unlink(f"{self._stem}.{suffix}")  # noqa: PTH108 -- strings all through

    def _family(self, shape: Shape) -> int:
        identity = shape.identity
        number = self._families.get(identity)
        if number is None:
            number = len(self._families)
            self._keys.append(family_entry(number, shape))
            self._families[identity] = number
            self._shapes[identity] = shape
        return number

    def _is_there(self, suffix: str, descriptor: int, size: int) -> bool:
        try:
            found = os.stat(f"{self._stem}.{suffix}", follow_symlinks=False)  # noqa: PTH116 -- beside fstat
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(descriptor)) and found.st_size >= size
