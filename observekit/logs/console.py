"""Log records for people at a terminal."""

from typing import Any, Final

from structlog.dev import ConsoleRenderer

from observekit.logs.encoder import plain

# What a person at a terminal knows already, or cannot use.
_LEFT_OUT: Final = ("service", "span_id", "trace_flags")
_TIME_OF_DAY: Final = slice(11, 23)
# Everything that could move the cursor, begin a new line or turn the direction of writing.
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


class Console:
    """Renders records as aligned, coloured lines; a traceback follows its record, indented."""

    __slots__ = ("_render",)

    def __init__(self, *, colors: bool) -> None:
        self._render = ConsoleRenderer(colors=colors, pad_event_to=24, sort_keys=False)

    def __call__(self, record: dict[str, Any]) -> bytes:
        """Return one record as text that ends with a newline."""
        shown = {_escaped(key): _shown(value) for key, value in record.items() if key not in _LEFT_OUT}
        shown["timestamp"] = str(record["timestamp"])[_TIME_OF_DAY]
        error = shown.pop("exception", None)
        text = self._render(None, "", shown)
        if isinstance(error, dict):
            text = f"{text}\n{_traceback(error)}"
        return f"{text}\n".encode("utf-8", "replace")


def _shown(value: object) -> Any:
    simple = plain(value)
    return _escaped(simple) if isinstance(simple, str) else simple


def _escaped(text: str) -> str:
    return text.translate(_CONTROL)


def _traceback(error: dict[str, Any]) -> str:
    lines: list[str] = []
    for place in (error, *error.get("caused_by", ())):
        heading = "caused by " if lines else ""
        lines.append(f"  {heading}{_escaped(place['type'])}: {_escaped(place['message'])}")
        lines.extend(f"      {_escaped(frame)}" for frame in place["frames"])
    return "\n".join(lines)
