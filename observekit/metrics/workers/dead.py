"""The sum over all workers that have gone: one file, replaced as a whole.

It is a line ``magic version CRC-32 length-of-JSON``, JSON, and doubles. Whose descriptor is kept open has an
inode that no other file can get meanwhile, so that one look at the name tells whether it is still the same.
"""

import array
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple
from zlib import crc32

from observekit.errors import WorkerFileError
from observekit.metrics.workers.keys import Places
from observekit.metrics.workers.merging import parted
from observekit.metrics.workers.private import make_file
from observekit.metrics.workers.shapes import Labels, Shape, Values
from observekit.metrics.workers.sieving import Sieve, suspects
from observekit.metrics.workers.snapshot import Page, Snapshot, doubles

NAME: Final = "dead"
TEMPORARY: Final = "dead.new"
# Folded workers are listed this long after their files have gone, for readers that still have them open.
WORKERS_KEPT: Final = 1024

_MAGIC: Final = b"obsdead1"
_HEAD: Final = b"%s %08x %d\n"
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

Step = Callable[[str], None]


class Dead(NamedTuple):
    """What the file says.

    Attributes:
        generation: Rises by one with every change.
        folded: How many workers have been added up in all.
        workers: The latest of them; all who may still have files.
        origins: Random, one for each time that somebody began with nothing. There is more than one where the
            file was removed, and one who had known it has put together what was counted before and since.
        page: What they have counted. As ``minus`` it has what its sums are too much, so that they are exact.
    """

    generation: int
    folded: int
    workers: tuple[str, ...]
    origins: tuple[str, ...]
    page: Page


NOBODY: Final = Dead(0, 0, (), (), Page(-1, False, {}, {}, {}, [], [], {}, b"", Sieve()))  # noqa: FBT003 -- a record's fields


def add(dead: Dead, gone: dict[str, Page], workers: tuple[str, ...]) -> bytes:
    """Return the contents of a file that has who has *gone* too, and lists *workers*."""
    origins = dead.origins or (secrets.token_hex(4),)
    head = [dead.generation + 1, dead.folded + len(gone), workers, origins]
    return _encode(head, _lasting([dead.page, *gone.values()]))


def join(one: Dead, other: Dead) -> Dead:
    """Return what two files say that have nobody in common."""
    head = [
        max(one.generation, other.generation),
        one.folded + other.folded,
        one.workers + other.workers,
        one.origins + other.origins,
    ]
    return decode(_encode(head, _lasting([one.page, other.page])))


def _lasting(pages: list[Page]) -> Iterator[tuple[Shape, Labels, Values, Values]]:
    """Yield each series that stays: its shape, its labels, its values, and by what they are too much."""
    snapshot = Snapshot(pages)
    for shape in snapshot.families():
        if not shape.of_the_living:
            for labels, columns in snapshot.columns(shape):
                yield (shape, labels, *parted(shape, columns))


def _encode(head: list[object], lasting: Iterable[tuple[Shape, Labels, Values, Values]]) -> bytes:
    families: dict[Shape, int] = {}
    series, minus, values = [], [], array.array("d")
    for shape, labels, sums, excess in lasting:
        number = families.setdefault(shape, len(families))
        series.append([number, labels, len(values)])
        values.extend(sums)
        if excess:
            minus.append([number, labels, len(values)])
            values.extend(excess)
    text = json.dumps([*head, list(families), series, minus], separators=(",", ":")).encode()
    payload = text + values.tobytes()
    return _HEAD % (_MAGIC, crc32(payload), len(text)) + payload


def decode(data: bytes) -> Dead:
    """Return what a file with the contents *data* says.

    Raises:
        WorkerFileError: It is damaged or of another layout.
    """
    try:
        head, payload = data.split(b"\n", 1)
        magic, checksum, length = head.split(b" ")
        if magic != _MAGIC or int(checksum, 16) != crc32(payload):
            raise WorkerFileError("the sum of the workers that have gone is damaged.")
        entries = json.loads(payload[: int(length)])
        data = payload[int(length) :]
        return _dead(entries, data)
    except (ValueError, TypeError, IndexError, RecursionError) as error:
        if isinstance(error, WorkerFileError):
            raise
        raise WorkerFileError("the sum of the workers that have gone cannot be read.") from error


def _dead(entries: list[Any], data: bytes) -> Dead:
    generation, folded, workers, origins, families, series, minus = entries
    shapes = [
        Shape(name, kind, text, unit, tuple(labels), tuple(bounds), merge)
        for name, kind, text, unit, labels, bounds, merge in families
    ]
    by_identity = {shape.identity: shape for shape in shapes}
    values = doubles(data)
    places, excess = _placed(shapes, series, len(values)), _placed(shapes, minus, len(values))
    page = Page(-1, False, by_identity, places, excess, values, suspects(data), {}, b"", Sieve())  # noqa: FBT003 -- a record's fields
    return Dead(generation, folded, tuple(workers), tuple(origins), page)


def _placed(shapes: list[Shape], series: list[tuple[int, list[str], int]], end: int) -> Places:
    places: Places = {}
    for number, labels, start in series:
        if not 0 <= start <= end - shapes[number].width:
            raise ValueError("a series that cannot be")
        places.setdefault(shapes[number].identity, {})[tuple(labels)] = start
    return places


class DeadFile:
    """The file in a group's *directory*, as it was read last.

    Attributes:
        last: What it said; nobody, as long as there has been none.
        is_damaged: Whether what is there now is not what it said, because somebody spoilt or removed it.
    """

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, NAME)  # noqa: PTH118 -- joined often
        self._temporary = os.path.join(directory, TEMPORARY)  # noqa: PTH118 -- joined often
        self._fd = -1
        self._size = 0
        self.last = NOBODY
        self.is_damaged = False

    def is_current(self) -> bool:
        """Tell whether the file is the one that was read last; also if it has been removed since."""
        try:
            found = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116 -- beside fstat
        except OSError:
            self.is_damaged = self._fd >= 0
            return True
        if self._fd < 0 or not os.path.samestat(found, os.fstat(self._fd)):
            return False
        self.is_damaged = self.is_damaged or found.st_size != self._size
        return True

    def refresh(self) -> None:
        """Read the file if it is another than last time. What cannot be read changes nothing.

        Raises:
            OSError: It cannot be opened or read.
            WorkerFileError: It is damaged.
        """
        if self.is_current():
            return
        descriptor = os.open(self._path, _FLAGS)
        self._close()
        self._fd = descriptor
        self._size = os.fstat(descriptor).st_size
        self.is_damaged = True
        found = decode(os.pread(descriptor, self._size, 0))
        # Without our origins somebody began with nothing, because what we know of had been removed.
        self.is_damaged = not set(self.last.origins) <= set(found.origins)
        self.last = join(self.last, found) if self.is_damaged else found

    def replace(self, data: bytes, step: Step) -> None:
        """Put a file with the contents *data* in its place, whole or not at all.

        Raises:
            OSError: There is no room.
        """
        flags = os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._drop_temporary()  # That of somebody who died over it.
        descriptor = make_file(self._temporary, flags)
        try:
            try:
                view = memoryview(data)
                while view:
                    step("write")
                    view = view[os.write(descriptor, view) :]
            finally:
                step("close")
                os.close(descriptor)
            step("replace")
            os.replace(self._temporary, self._path)  # noqa: PTH105 -- strings all through
        except OSError:
            self._drop_temporary()  # It takes room that there is not.
            raise

    def _drop_temporary(self) -> None:
        with suppress(OSError):
            os.unlink(self._temporary)  # noqa: PTH108 -- strings all through

    def close(self) -> None:
        """Let go of the file."""
        self._close()

    def _close(self) -> None:
        descriptor, self._fd = self._fd, -1
        if descriptor >= 0:
            os.close(descriptor)
