"""Protocol buffers, as far as OTLP needs them: fields written as bytes, and read back from answers."""

from collections.abc import Iterator
from struct import Struct
from typing import Final

DOUBLE: Final = Struct("<d")
FIXED64: Final = Struct("<Q")
_WORD: Final = (1 << 64) - 1
_BYTE: Final = 0x7F
_MORE: Final = 0x80
_VARINT_BYTES: Final = 10
_WIRE: Final = 7
# Source: Protocol Buffers, "Encoding", message structure: varint, 64 bits, length-delimited, 32 bits.
_VARINT: Final = 0
_FIXED64: Final = 1
_DELIMITED: Final = 2
_FIXED32: Final = 5
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}


def _written(number: int) -> bytes:
    pieces = bytearray()
    while number > _BYTE:
        pieces.append(number & _BYTE | _MORE)
        number >>= 7
    pieces.append(number)
    return bytes(pieces)


# Nearly all lengths of a span are below this.
_SMALL: Final = tuple(map(_written, range(2048)))


def varint(number: int) -> bytes:
    """Return *number*, which may be negative, as a varint."""
    return _SMALL[number] if 0 <= number < len(_SMALL) else _written(number & _WORD)


def framed(tag: bytes, body: bytes) -> bytes:
    """Return a field whose value has a length."""
    return tag + varint(len(body)) + body


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of *message*.

    Raises:
        ValueError: If it is no message.
    """
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        number, wire = key >> 3, key & _WIRE
        if not number:
            raise ValueError("a field has no number")
        if wire == _VARINT:
            value, place = _read_varint(message, place)
            yield number, value
            continue
        if wire == _DELIMITED:
            length, place = _read_varint(message, place)
        elif wire in _FIXED_BYTES:
            length = _FIXED_BYTES[wire]
        else:
            raise ValueError(f"a field has the wire type {wire}")
        if place + length > len(message):
            raise ValueError("a field is longer than its message")
        yield number, message[place : place + length]
        place += length


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    number = 0
    for index in range(_VARINT_BYTES):
        if place >= len(message):
            raise ValueError("a number ends too early")
        byte = message[place]
        place += 1
        number |= (byte & _BYTE) << (7 * index)
        if not byte & _MORE:
            return number, place
    raise ValueError("a number is too long")
