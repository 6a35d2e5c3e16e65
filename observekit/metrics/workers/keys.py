"""Which record is whose: a table that only grows, a line for each entry, read once.

A line is the CRC-32 of its JSON as eight hexadecimal digits, a space and the JSON. An entry is one of

- ``["f", number, name, kind, help, unit, labels, bounds, merge]``, a family,
- ``["s", family, label values, offset]``, a series: its values begin *offset* doubles after the header,
- ``["m", family, label values, offset]``, the same, to be taken away from the series' values,
- ``["e", family, label values, bucket, offset]``, an exemplar, *offset* bytes into the file of those.
"""

import errno
import json
import os
from typing import Any, Final, TypeVar
from zlib import crc32

from observekit.metrics.workers.private import make_file
from observekit.metrics.workers.reserve import FullError
from observekit.metrics.workers.shapes import Labels, Shape

# One line; a series whose labels need more stays in its worker's memory.
LONGEST_LINE: Final = 64 * 1024

Places = dict[Shape, dict[Labels, int]]
Marks = dict[tuple[Shape, Labels], dict[int, int]]

_Of = TypeVar("_Of")
_At = TypeVar("_At")

_FLAGS: Final = os.O_RDWR | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_CHECKSUM_DIGITS: Final = 8


class KeyFile:
    """The table of the worker whose own it is.

    Attributes:
        size: How many bytes it has by now.

    Raises:
        OSError: From the constructor and from ``append``: the file cannot be made, or written to.
    """

    __slots__ = ("_limit", "_torn", "fd", "size")

    def __init__(self, path: str, limit: int) -> None:
        self._limit = limit
        self.fd = make_file(path, _FLAGS)
        self.size = 0
        self._torn = False

    def append(self, entry: list[object]) -> None:
        """Write one line, in one go."""
        text = json.dumps(entry, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (crc32(text), text)
        if len(line) > LONGEST_LINE or self.size + len(line) > self._limit:
            raise FullError(errno.EDQUOT, "the labels of a series are too long, or too many, to be shared")
        if self._torn:
            line = b"\n" + line  # So that only the torn line is lost to the readers.
        self._torn = True
        written = os.write(self.fd, line)
        self.size += written
        self._torn = written != len(line)
        if self._torn:
            raise OSError(errno.ENOSPC, "no room for the keys of a series")

    def close(self) -> None:
        """Let go of the file."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class KeyTable:
    """What has been read of a table of keys.

    The dictionaries are never changed, but replaced: who has one may go on reading it.

    Attributes:
        shapes: The families, by their identity.
        places: Where the values of the series begin.
        minus: Where the values to be taken away from them begin.
        marks: Where the exemplars of the series are, by bucket.
        end: How many doubles there are in all.
        garbage: How many lines were torn or damaged.
    """

    __slots__ = (
        *("_consumed", "_copied", "_families", "_tail"),
        *("end", "garbage", "marks", "minus", "places", "shapes"),
    )

    def __init__(self) -> None:
        self.shapes: dict[Shape, Shape] = {}
        self.places: Places = {}
        self.minus: Places = {}
        self.marks: Marks = {}
        self.end = self.garbage = self._consumed = 0
        self._copied: set[int] = set()
        self._families: dict[int, Shape] = {}
        self._tail = b""

    def read(self, fd: int) -> None:
        """Take in what has been added to the file *fd* since the last time.

        Raises:
            OSError: It cannot be read.
        """
        size = os.fstat(fd).st_size
        if size < self._consumed:  # Somebody cut it off; what was read before is still true.
            self._consumed, self._tail = 0, b""
        if size > self._consumed:
            self.feed(_read_range(fd, self._consumed, size))

    def feed(self, data: bytes) -> None:
        """Take in *data*, which may end in the middle of a line."""
        self._consumed += len(data)
        *lines, self._tail = (self._tail + data).split(b"\n")
        if not lines:
            return
        self.shapes = dict(self.shapes)
        # What is in them is copied where there is something to add: plans last as long as it is the same.
        self.places, self.minus, self.marks = dict(self.places), dict(self.minus), dict(self.marks)
        self._copied.clear()
        for line in lines:
            if line:
                self._take(line)

    def _take(self, line: bytes) -> None:
        text = line[_CHECKSUM_DIGITS + 1 :]
        try:
            if int(line[:_CHECKSUM_DIGITS], 16) == crc32(text):
                self._enter(json.loads(text))
                return
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            pass  # Nobody's line, or that of another release.
        self.garbage += 1

    def _enter(self, entry: list[Any]) -> None:
        if entry[0] == "f":
            self._families[entry[1]] = shape = _shape(entry[2:])
            self.shapes.setdefault(shape.identity, shape)
            return
        shape, labels = self._families[entry[1]].identity, tuple(map(str, entry[2]))
        if entry[0] == "e":
            self._to_change(self.marks, (shape, labels))[int(entry[3])] = int(entry[4])
            return
        places = {"s": self.places, "m": self.minus}[entry[0]]
        offset = int(entry[3])
        if offset < 0 or len(labels) != len(shape.labels):
            raise ValueError("a series that cannot be")
        self._to_change(places, shape)[labels] = offset
        self.end = max(self.end, offset + shape.width)

    def _to_change(self, tables: dict[_Of, dict[_At, int]], key: _Of) -> dict[_At, int]:
        """Return the table of *key*, copied if it may be somebody's."""
        table = tables.get(key)
        if table is None or id(table) not in self._copied:  # An id of its own, as long as it is in *tables*.
            table = tables[key] = dict(table or {})
            self._copied.add(id(table))
        return table


def family_entry(number: int, shape: Shape) -> list[object]:
    """Return the entry of a family."""
    return ["f", number, *shape]


def _shape(fields: list[Any]) -> Shape:
    name, kind, text, unit, labels, bounds, merge = fields
    return Shape(name, kind, text, unit, tuple(map(str, labels)), tuple(map(float, bounds)), merge)


def _read_range(fd: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        part = os.pread(fd, end - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)
