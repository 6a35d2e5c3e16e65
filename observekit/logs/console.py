"""Log records for people at a terminal."""

import re
from typing import Any, Final

import orjson

from observekit.logs.encoder import UNSAFE

# What a person at a terminal knows already, or cannot use.
_LEFT_OUT: Final = frozenset({"service", "span_id", "trace_flags"})
# What has a place of its own on the line, or lines of its own below it.
_PLACED: Final = frozenset({"timestamp", "level", "event", "logger", "exception", "stack"})
_TIME_OF_DAY: Final = slice(11, 23)
_EVENT_WIDTH: Final = 30
_LEVEL_WIDTH: Final = len("critical")
# What could move the cursor, begin a new line or turn the direction of writing; and lone surrogates.
_CONTROL: Final = re.compile(f"[\x00-\x1f{UNSAFE}\ud800-\udfff]")
_NEEDS_QUOTES: Final = re.compile(r'[\s"=]|^$')
_DIM, _BOLD, _CYAN, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"
_LEVEL_COLORS: Final = {
    "debug": "\x1b[32m",
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31;1m",
}


class Console:
    """Renders records as aligned lines; an exception or a stack follows its record, indented."""

    __slots__ = ("_colors",)

    def __init__(self, *, colors: bool) -> None:
        self._colors = colors

    def __call__(self, record: dict[str, Any]) -> bytes:
        """Return one record as text that ends with a newline."""
        level = _shown(record["level"])
        head = [
            self._colored(_DIM, _shown(record["timestamp"])[_TIME_OF_DAY]),
            self._colored(_LEVEL_COLORS.get(level, ""), f"{level:<{_LEVEL_WIDTH}}"),
            self._colored(_BOLD, f"{_shown(record['event']):<{_EVENT_WIDTH}}"),
            self._colored(_DIM, f"[{_shown(record['logger'])}]"),
        ]
        fields = [
            f"{self._colored(_CYAN, _shown(key))}={_quoted(value)}"
            for key, value in record.items()
            if key not in _LEFT_OUT and key not in _PLACED
        ]
        lines = [" ".join([*head, *fields]), *_below(record)]
        return "\n".join([*lines, ""]).encode()

    def _colored(self, color: str, text: str) -> str:
        return f"{color}{text}{_RESET}" if self._colors else text


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


def _below(record: dict[str, Any]) -> list[str]:
    lines = [f"      {_shown(place)}" for place in _listed(record.get("stack"))]
    error = record.get("exception")
    return lines + (_traceback(error, "  ") if isinstance(error, dict) else [])


def _traceback(error: dict[str, Any], indent: str) -> list[str]:
    lines = [f"{indent}{_shown(error.get('type'))}: {_shown(error.get('message'))}"]
    lines += [f"{indent}  {_shown(note)}" for note in _listed(error.get("notes"))]
    lines += [f"{indent}    {_shown(frame)}" for frame in _listed(error.get("frames"))]
    for relation, place in (("caused by", "caused_by"), ("one of", "exceptions")):
        for other in _listed(error.get(place)):
            told = (
                _traceback(other, f"{indent}  ")
                if isinstance(other, dict)
                else [f"{indent}  {_shown(other)}"]
            )
            lines += [f"{indent}{relation}", *told]
    return lines


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
