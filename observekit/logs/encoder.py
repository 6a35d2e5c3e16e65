"""Log records as strict JSON: one record, one line, whatever is in it."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from observekit.logs.values import Cleaner

# Source: container runtimes cut lines at 16 KiB (containerd) and log shippers refuse over 256 KiB;
# 64 KiB keeps a deep traceback whole.
LINE_BYTES: Final = 64 * 1024
# For the exception and for all the rest. A character takes at most six bytes, as in \u001b.
_CHARACTERS_THAT_FIT: Final = LINE_BYTES // 16
# Too little for a key, a value and what says that it was cut.
_SMALLEST_ROOM: Final = 256

LEFT_OUT: Final = "fields_left_out"
"""How many fields had no room on the line."""

_NOTE: Final = "observekit"

# What orjson leaves as it is, but begins a new line, moves a cursor or turns the direction of writing
# somewhere: DEL and C1 controls, line and paragraph separators, marks of direction, the byte order mark.
UNSAFE: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
_UNSAFE: Final = re.compile(f"[{UNSAFE}]")
# What is short, and says of the rest what it is: an event of a megabyte must not take its room.
_HEAD: Final = ("timestamp", "level", "logger", "service", "trace_id", "span_id", "trace_flags")


def encode(record: Mapping[str, Any]) -> bytes:
    """Return *record* as one line of strict JSON that ends with a newline; never raises.

    Values are taken as they are, secrets included, if JSON can hold them: redact before.
    """
    try:
        line = _line(record)
    except Exception:  # noqa: BLE001 -- such as lone surrogates in the name of a logger
        line = b""
    return line if 0 < len(line) <= LINE_BYTES else _line(cut(record))


def _is_long(value: object) -> bool:
    if isinstance(value, str):
        return len(value) > _SMALLEST_ROOM
    return value is not None and not isinstance(value, bool | int | float)


def _line(record: Mapping[str, Any]) -> bytes:
    # Not OPT_APPEND_NEWLINE: what orjson returns keeps the 4 KiB it was built in, a sum takes what it needs.
    line = orjson.dumps(record) + b"\n"
    if line.isascii() and b"\x7f" not in line:
        return line
    # Outside of texts JSON has ASCII only, so this escapes within texts, and changes no value.
    return _UNSAFE.sub(_escape, line.decode()).encode()


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def cut(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return as much of *record* as fits on a line: its head, its exception, and of the rest what is short.

    Nothing that is long takes more than half of the room that is left, so that there is some for the next.
    """
    left = _CHARACTERS_THAT_FIT
    keys = [key for key in _HEAD if key in record]
    others = [key for key in record if key not in {*_HEAD, "event", "exception", LEFT_OUT}]
    keys += ["event"] if "event" in record else []
    keys += sorted(others, key=lambda key: _is_long(record[key]))
    kept: dict[str, Any] = {}
    while keys and left > _SMALLEST_ROOM:
        key = keys.pop(0)
        cleaner = Cleaner(left // 2)
        kept[cleaner.key(key)] = cleaner.field(key, record[key])
        left -= left // 2 - cleaner.left
    if "exception" in record:
        kept["exception"] = Cleaner(_CHARACTERS_THAT_FIT).field("exception", record["exception"])
    if _NOTE in kept:
        kept[f"{_NOTE}_"] = kept.pop(_NOTE)
    kept[LEFT_OUT] = record.get(LEFT_OUT, 0) + len(keys)
    kept[_NOTE] = "record too large, parts left out"
    return kept
