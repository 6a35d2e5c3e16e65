"""Log records for people at a terminal."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from observekit.catalogue.events import HTTP_REQUEST, WEBSOCKET_CONNECTION
from observekit.logs.encoder import LINE_BYTES, UNSAFE, cut
from observekit.logs.tracebacks import Paint, traceback_lines
from observekit.semconv import (
    CLIENT_ADDRESS,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    URL_PATH,
    WEBSOCKET_CLOSE_CODE,
    label,
)

# What a person at a terminal knows already, or cannot use.
_LEFT_OUT: Final = frozenset({"service", "span_id", "trace_flags"})
# What has a place of its own on the line, or lines of its own below it.
_PLACED: Final = frozenset({"timestamp", "level", "event", "logger", "exception", "stack", "trace_id"})
_METHOD, _ROUTE, _PATH = label(HTTP_REQUEST_METHOD), label(HTTP_ROUTE), label(URL_PATH)
_STATUS, _CLIENT, _CODE = (
    label(HTTP_RESPONSE_STATUS_CODE),
    label(CLIENT_ADDRESS),
    label(WEBSOCKET_CLOSE_CODE),
)
# What the readable line of a canonical event says in its own words.
_IN_WORDS: Final = frozenset({_METHOD, _PATH, _STATUS, "outcome", "duration_seconds", _CODE})
_TIME_OF_DAY: Final = slice(11, 23)
_EVENT_WIDTH: Final = 36
_LEVEL_WIDTH: Final = len("critical")
# What could move the cursor, begin a new line or turn the direction of writing; and lone surrogates.
_CONTROL: Final = re.compile(f"[\x00-\x1f{UNSAFE}\ud800-\udfff]")
_NEEDS_QUOTES: Final = re.compile(r'[\s"=]|^$')
_DIM, _BOLD, _CYAN, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"
_LEVEL_COLORS: Final = {
    "debug": "\x1b[34m",
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31;1m",
}
_PAINTS: Final[dict[Paint, str]] = {"title": "\x1b[31m", "own": _BOLD, "other": _DIM, "code": ""}
_MINUTE: Final = 60
_FIRST_BYTE: Final = "time_to_first_byte_seconds"
# A body that takes longer than this is one that somebody streams.
_STREAMED_SECONDS: Final = 0.1


class Console:
    """Renders records as aligned lines; an exception or a stack follows its record, indented."""

    __slots__ = ("_colors",)

    def __init__(self, *, colors: bool) -> None:
        self._colors = colors

    def __call__(self, record: dict[str, Any]) -> bytes:
        """Return one record as text that ends with a newline, no longer than a line of JSON may be."""
        text = self._text(record)
        return text if len(text) <= LINE_BYTES else self._text(cut(record))

    def _text(self, record: dict[str, Any]) -> bytes:
        level = _shown(record["level"])
        words = _in_words(record)
        event = _shown(record["event"]) if words is None else words
        line = [
            self._colored(_DIM, _shown(record["timestamp"])[_TIME_OF_DAY]),
            self._colored(_LEVEL_COLORS.get(level, ""), f"{level:<{_LEVEL_WIDTH}}"),
            self._colored(_BOLD, f"{event:<{_EVENT_WIDTH}}"),
            *(self._colored(_CYAN, key) + "=" + value for key, value in _fields(record, words is not None)),
        ]
        if words is None:
            line.append(self._colored(_DIM, f"[{_shown(record['logger'])}]"))
        if "trace_id" in record:
            line.append(self._colored(_DIM, f"trace_id={_shown(record['trace_id'])}"))
        return "\n".join([" ".join(line), *self._below(record), ""]).encode()

    def _below(self, record: dict[str, Any]) -> Iterator[str]:
        stack = record.get("stack")
        for place in stack if isinstance(stack, list) else ():
            yield f"      {_shown(place)}"
        error = record.get("exception")
        if isinstance(error, dict):
            for paint, indent, text in traceback_lines(error):
                yield "  " * indent + self._colored(_PAINTS[paint], _shown(text))

    def _colored(self, color: str, text: str) -> str:
        return f"{color}{text}{_RESET}" if self._colors and color else text


def _fields(record: dict[str, Any], canonical: bool) -> Iterator[tuple[str, str]]:  # noqa: FBT001 -- of one caller
    for key, value in record.items():
        if key in _LEFT_OUT or key in _PLACED:
            continue
        if canonical and _is_said(record, key, value):
            continue
        yield _shown(key), _quoted(value)


def _is_said(record: dict[str, Any], key: str, value: object) -> bool:
    """Whether a field of a canonical event says nothing that its sentence does not."""
    if key in _IN_WORDS or value is None:
        return True
    if key == _FIRST_BYTE and isinstance(value, float):
        return bool(record["duration_seconds"] - value < _STREAMED_SECONDS)
    return key == _ROUTE and value == record[_PATH]


def _in_words(record: dict[str, Any]) -> str | None:
    """Return a canonical event as a sentence: ``GET /orders/7 200 in 12.3 ms``."""
    event, path, seconds = record["event"], record.get(_PATH), record.get("duration_seconds")
    if record["logger"] != "observekit.http" or not isinstance(path, str) or not isinstance(seconds, float):
        return None
    status = record.get(_STATUS)
    outcome = "" if record.get("outcome") != "aborted" else " aborted"
    if event == HTTP_REQUEST.name:
        shown = "-" if status is None else status
        return _shown(f"{record.get(_METHOD)} {path} {shown}{outcome} in {_duration(seconds)}")
    if event == WEBSOCKET_CONNECTION.name:
        code = record.get(_CODE)
        end = f"refused with {status}" if code is None else f"closed with {code}"
        return _shown(f"WS {path} {end}{outcome} after {_duration(seconds)}")
    return None


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < _MINUTE else f"{seconds / _MINUTE:.1f} min"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return _CONTROL.sub(_escape, text)


def _quoted(value: object) -> str:
    text = _shown(value)
    if isinstance(value, str) and _NEEDS_QUOTES.search(text):
        return '"' + text.replace('"', '\\"') + '"'
    return text


def _escape(found: re.Match[str]) -> str:
    # As Python writes them: \n, \x1b, \u2028.
    return found[0].encode("unicode_escape").decode()
