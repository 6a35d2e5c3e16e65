"""Attributes as OTLP's bytes; any value can be written, whatever it is."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from observekit.traces.protobuf import DOUBLE, framed, varint

Hide = Callable[[str, object], object]
"""Takes an attribute's key and value, and returns the value as others may see it."""

# Source: opentelemetry/proto/common/v1/common.proto, AnyValue and KeyValue.
_STRING: Final = b"\x0a"
_FALSE: Final = b"\x10\x00"
_TRUE: Final = b"\x10\x01"
_INT: Final = b"\x18"
_DOUBLE: Final = b"\x21"
_ARRAY: Final = b"\x2a"
_KVLIST: Final = b"\x32"
_BYTES: Final = b"\x3a"
_ENTRY: Final = b"\x0a"
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_LOWEST: Final = -(1 << 63)
_HIGHEST: Final = (1 << 63) - 1
# Deeper values are told as text; no back end shows that many levels.
_DEPTH: Final = 16
_TOO_DEEP: Final = "<too deep>"
# Longer keys are not kept: they are made of data, and would put the others out.
_KEPT_KEY: Final = 64
# What is left of a text when there is no room for all of it must be worth a look.
_LEAST_TEXT: Final = 16
# Of key and value, besides what is in them: two tags, and three lengths of at most 65,535 bytes.
_FRAME: Final = 12


def text(value: str) -> bytes:
    """Return *value* in UTF-8; what cannot be encoded becomes a question mark."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _key_of(key: str) -> bytes:
    return framed(_KEY, text(key)) + _VALUE


_kept_key = lru_cache(maxsize=4096)(_key_of)


def attribute(tag: bytes, key: str, value: object) -> bytes:
    """Return one attribute as a field *tag* of what has it."""
    name = _kept_key(key) if len(key) <= _KEPT_KEY else _key_of(key)
    if type(value) is str:
        content = value.encode() if value.isascii() else text(value)
        shown = _STRING + varint(len(content)) + content
    else:
        shown = any_value(value)
    length = varint(len(shown))
    return tag + varint(len(name) + len(length) + len(shown)) + name + length + shown


def attributes(
    tag: bytes, found: Mapping[str, object], hide: Hide | None, room: int
) -> tuple[list[bytes], int, int]:
    """Return the attributes as fields *tag*, the bytes of *room* that are left, and how many found none."""
    pieces: list[bytes] = []
    dropped = 0
    for key, value in found.items():
        shown = value if hide is None else hide(key, value)
        piece = attribute(tag, key, shown)
        if len(piece) > room:
            piece = _cut(tag, key, shown, room)
            if not piece:
                dropped += 1
                continue
        room -= len(piece)
        pieces.append(piece)
    return pieces, room, dropped


def _cut(tag: bytes, key: str, value: object, room: int) -> bytes:
    """Return the attribute with as much of a text as there is room for; nothing where that is too little."""
    left = room - len(text(key)) - _FRAME
    if not isinstance(value, str) or left < _LEAST_TEXT:
        return b""
    return attribute(tag, key, text(value)[:left].decode("utf-8", "ignore"))


def any_value(value: object, depth: int = 0) -> bytes:
    """Return *value* as an ``AnyValue``; what OTLP has no form for becomes text."""
    if value is None:
        return b""
    if isinstance(value, str):
        return framed(_STRING, text(str.__str__(value)))
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, bytes):
        return framed(_BYTES, value)
    return _told(_TOO_DEEP) if depth >= _DEPTH else _collection(value, depth)


def _number(value: float) -> bytes:
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        return _INT + varint(int(value)) if _LOWEST <= value <= _HIGHEST else _told(value)
    return _DOUBLE + DOUBLE.pack(value)


def _collection(value: object, depth: int) -> bytes:
    if isinstance(value, Sequence):
        return framed(_ARRAY, b"".join(framed(_ENTRY, any_value(one, depth + 1)) for one in value))
    if isinstance(value, Mapping):
        entries = (
            framed(_ENTRY, _key_of(str(key)) + framed(b"", any_value(one, depth + 1)))
            for key, one in value.items()
        )
        return framed(_KVLIST, b"".join(entries))
    return _told(value)


def _told(value: object) -> bytes:
    try:
        told = hex(value) if isinstance(value, int) else str(value)
    except Exception as error:  # noqa: BLE001 -- __str__ is the user's code
        told = f"<cannot be shown, {type(error).__name__}>"
    return framed(_STRING, text(told))
