"""An exemplar in 256 bytes, which may be read while it is written."""

import json
import struct
from typing import Final
from zlib import crc32

from observekit.metrics.workers.shapes import SharedExemplar

SLOT_BYTES: Final = 256

_HEAD: Final = struct.Struct("=IHdd")  # CRC-32 of the rest, length of the JSON, value, Unix seconds
_CHECKSUM: Final = 4


def pack(exemplar: SharedExemplar | None) -> bytes | None:
    """Return the bytes of *exemplar*, or None if they are too many."""
    if exemplar is None:
        return bytes(_HEAD.size)
    text = json.dumps(exemplar.labels, separators=(",", ":")).encode()
    if _HEAD.size + len(text) > SLOT_BYTES:
        return None
    rest = _HEAD.pack(0, len(text), exemplar.value, exemplar.timestamp)[_CHECKSUM:] + text
    return struct.pack("=I", crc32(rest)) + rest


def unpack(data: bytes, start: int) -> SharedExemplar | None:
    """Return the exemplar at *start*; None if there is none, or it is being written just now."""
    slot = data[start : start + SLOT_BYTES]
    if len(slot) < _HEAD.size:
        return None
    checksum, length, value, timestamp = _HEAD.unpack_from(slot)
    end = _HEAD.size + length
    if not length or crc32(slot[_CHECKSUM:end]) != checksum:
        return None
    try:
        return SharedExemplar(json.loads(slot[_HEAD.size : end]), value, timestamp)
    except ValueError:
        return None
