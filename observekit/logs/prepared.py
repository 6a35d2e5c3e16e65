"""Lines of an event of which most is known beforehand: put together from bytes, not encoded each time."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from observekit.logs.encoder import encode
from observekit.logs.record import Head

Ids = bytes
"""Ids of a trace as they stand in a line, with a comma in front; empty outside of a trace."""


def ids_in_line(ids: Mapping[str, str]) -> Ids:
    """Return *ids*, which are hexadecimal, as they stand in a line."""
    return "".join(f',"{name}":"{value}"' for name, value in ids.items()).encode()


class PreparedEvent:
    """An event with a level, a logger and fields that are the same each time.

    Args:
        head: Knows the time and the service.
        constants: Fields that are the same each time, clean as they are.
        write: Takes the line.
        count: Told the level of every record.
    """

    __slots__ = ("_after", "_before", "_constants", "_count", "_head", "_level", "_write")

    def __init__(  # noqa: PLR0913 -- the facts of a record, and where it goes
        self,
        head: Head,
        level: str,
        event: str,
        logger: str,
        constants: Mapping[str, Any],
        *,
        write: Callable[[bytes], None],
        count: Callable[[str], None],
    ) -> None:
        self._head = head
        self._level = level
        self._count = count
        self._write = write
        record = head.begin(level, event, logger)
        stamp = record["timestamp"].encode()
        self._before, self._after = _opened(encode(record)).split(stamp, 1)
        self._constants = b"," + encode(constants)[1:_END]

    def write(self, ids: Ids, fields: bytes) -> None:
        """Write one line; *fields* are further fields as they stand in a line, with a comma in front."""
        self._count(self._level)
        stamp = self._head.stamp_now()
        self._write(b"".join((self._before, stamp, self._after, ids, self._constants, fields, b"}\n")))


_END: Final = -2  # The closing brace and the newline.


def _opened(line: bytes) -> bytes:
    return line[:_END]
