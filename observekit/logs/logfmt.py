"""Log records as logfmt: one record, one line of key=value, whatever is in it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from observekit.logs.encoder import LINE_BYTES, UNSAFE, cut

# What ends a key for those who read it, or does worse.
_NOT_IN_KEYS: Final = re.compile(f'[\x00-\x20\\s="{UNSAFE}\ud800-\udfff]')
_PLAIN: Final = re.compile(r"[!#-<>-\[\]-~]+")
_UNSAFE: Final = re.compile(f"[{UNSAFE}]")


def logfmt(record: Mapping[str, Any]) -> bytes:
    """Return *record* as one line; what logfmt has no form for, such as a list, is JSON in quotes."""
    line = _line(record)
    if len(line) <= LINE_BYTES:
        return line
    # What is JSON in quotes takes at most seven bytes for a character, where JSON takes six: it fits.
    return _line(cut(record))


def _line(record: Mapping[str, Any]) -> bytes:
    pairs = [f"{_key(key)}={_value(value)}" for key, value in _flat(record)]
    return (" ".join(pairs) + "\n").encode()


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the fields of *record*, those of its exception under names of their own."""
    for key, value in record.items():
        if key == "exception" and isinstance(value, dict):
            for part, inner in value.items():
                yield f"exception_{part}", inner
        else:
            yield key, value


def _key(key: str) -> str:
    return _NOT_IN_KEYS.sub("_", key) or "_"


def _value(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    # Quoted as in JSON, which is what readers of logfmt take; lone surrogates are no text there.
    shown = orjson.dumps(text.encode("utf-8", "backslashreplace").decode()).decode()
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
