"""The few pieces of protobuf that a span over OTLP needs, written by hand."""

from typing import Final

_VARINT_LIMIT: Final = 0x80


def varint(value: int) -> bytes:
    """Return a whole number that is not negative."""
    out = bytearray()
    while value >= _VARINT_LIMIT:
        out.append(value & 0x7F | _VARINT_LIMIT)
        value >>= 7
    out.append(value)
    return bytes(out)


def framed(number: int, body: bytes) -> bytes:
    """Return a field of bytes, text or a message."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def attribute(key: str, value: str | int) -> bytes:
    """Return an attribute, as a field of a span or of a resource."""
    inner = framed(1, value.encode()) if isinstance(value, str) else b"\x18" + varint(value)
    return framed(1, key.encode()) + framed(2, inner)
