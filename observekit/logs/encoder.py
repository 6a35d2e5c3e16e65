"""Log records as strict JSON, whatever is in them."""

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

# Source: container runtimes cut lines at 16 KiB (containerd) and log shippers refuse over 256 KiB;
# 64 KiB keeps a deep traceback whole.
LINE_BYTES: Final = 64 * 1024
_TEXT_LENGTH: Final = 4096
_ITEMS: Final = 64
_DEPTH: Final = 6
# Source: RFC 8259 section 6: readers agree on whole numbers up to 2**53; orjson writes up to 64 bits.
_WHOLE_LIMIT: Final = 2**63
_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def encode(record: Mapping[str, Any]) -> bytes:
    """Return *record* as one line of strict JSON that ends with a newline; never raises."""
    try:
        line = orjson.dumps(record, default=_plain_object, option=_OPTIONS)
    except Exception:  # noqa: BLE001 -- recursion, huge numbers, lone surrogates, and what default= met
        line = b""
    if 0 < len(line) <= LINE_BYTES:
        return line
    cut = {_text(key): plain(value) for key, value in record.items()}
    line = orjson.dumps(cut, option=_OPTIONS)
    if len(line) <= LINE_BYTES:
        return line
    return orjson.dumps(_essence(cut), option=_OPTIONS)


def plain(value: object, depth: int = 0) -> object:
    """Return *value* as JSON types, cut where it is too deep, too long or cannot be shown."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int | float):
        return _number(value)
    if depth >= _DEPTH:
        return f"<{type(value).__name__}: too deep>"
    try:
        return _plain_container(value, depth)
    except Exception:  # noqa: BLE001 -- a mapping that changes while it is read, an iterator that raises
        return _shown(value)


def _number(value: int | float | None) -> object:  # noqa: PYI041 -- an int is no float here
    if isinstance(value, int):
        return value if -_WHOLE_LIMIT <= value < _WHOLE_LIMIT else f"<{value.bit_length()}-bit integer>"
    return value if value is None or math.isfinite(value) else str(value)


def _plain_container(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        kept = [(_key(key), plain(inner, depth + 1)) for key, inner in _first(value.items())]
        return dict(kept) | _left_out(len(value))
    if isinstance(value, list | tuple | set | frozenset):
        kept_items = [plain(inner, depth + 1) for inner in _first(value)]
        return [*kept_items, *_left_out(len(value)).values()]
    return _shown(value)


def _first(items: Any) -> list[Any]:
    return [item for _, item in zip(range(_ITEMS), items, strict=False)]


def _left_out(length: int) -> dict[str, str]:
    return {"…": f"<{length - _ITEMS} more left out>"} if length > _ITEMS else {}


def _plain_object(value: object) -> object:
    """Give orjson something it can write for a *value* it does not know."""
    if isinstance(value, Mapping | set | frozenset):
        return plain(value)
    return _shown(value)


def _key(key: object) -> str:
    return _text(key) if isinstance(key, str) else _shown(key)


def _shown(value: object) -> str:
    try:
        return _text(value.decode("utf-8", "replace") if isinstance(value, bytes) else repr(value))
    except Exception as error:  # noqa: BLE001 -- __repr__ is the user's code
        return f"<{type(value).__name__}: cannot be shown, {type(error).__name__}>"


def _text(value: str) -> str:
    if len(value) > _TEXT_LENGTH:
        value = f"{value[:_TEXT_LENGTH]}… <{len(value) - _TEXT_LENGTH} more characters left out>"
    return value.encode("utf-8", "replace").decode("utf-8")


def _essence(record: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what identifies a record that is too large even when cut."""
    kept = {key: value for key, value in record.items() if not isinstance(value, dict | list)}
    return {key: kept[key] for key in list(kept)[:16]} | {"observekit": "record too large, fields left out"}
