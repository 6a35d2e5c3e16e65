"""Lines of an event of which most is known beforehand: filled in, not encoded each time."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from observekit.logs.encoder import encode
from observekit.logs.record import Head

Ids = str
"""Ids of a trace as they stand in a line, with a comma in front; empty outside of a trace."""

# One formatting of the whole line: a piece for each field, joined and encoded, costs three times as much.
_STAMP: Final = "%s.%06dZ"
_IDS: Final = ',"trace_id":"%s","span_id":"%s","trace_flags":"%s"'


def ids_in_line(ids: Mapping[str, str]) -> Ids:
    """Return *ids*, which are hexadecimal, as they stand in a line."""
    return _IDS % (ids["trace_id"], ids["span_id"], ids["trace_flags"]) if ids else ""


class PreparedEvent:
    """An event with a level, a logger and fields that are the same each time.

    Args:
        head: Knows the time and the service.
        constants: Fields that are the same each time, clean as they are.
        further: The fields that differ as they stand in a line, with a comma in front, and with
            conversions of %-formatting for the values that write() gets.
        write: Takes the line.
        count: Told the level of every record.
    """

    __slots__ = ("_count", "_form", "_head", "_level", "_write")

    def __init__(  # noqa: PLR0913 -- the facts of a record, and where it goes
        self,
        head: Head,
        level: str,
        event: str,
        logger: str,
        constants: Mapping[str, Any],
        further: str,
        *,
        write: Callable[[bytes], None],
        count: Callable[[str], None],
    ) -> None:
        self._head = head
        self._level = level
        self._count = count
        self._write = write
        record = head.begin(level, event, logger)
        before, after = _inner(record).split(record["timestamp"], 1)
        self._form = f"{{{before}{_STAMP}{after}%s,{_inner(constants)}{further}%s}}\n"

    def write(self, ids: Ids, values: tuple[object, ...], more: str = "") -> None:
        """Write one line; *more* are yet more fields as they stand in a line, with a comma in front."""
        self._count(self._level)
        self._write((self._form % (*self._head.now(), ids, *values, more)).encode())


def _inner(record: Mapping[str, Any]) -> str:
    """Return what stands between the braces of *record*, to be formatted."""
    return encode(record)[1:-2].decode().replace("%", "%%")
