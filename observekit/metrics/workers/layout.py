"""How the files of a worker are called, and what stands at the beginning of its values."""

import re
import struct
from typing import Final, NamedTuple
from zlib import crc32

from observekit.errors import WorkerFileError

MAGIC: Final = b"obsworks"
VERSION: Final = 1
HEADER_BYTES: Final = 128
DOUBLE: Final = 8
# The state stands at the end of the header, in a double of its own: it is stored in one instruction.
STATE: Final = HEADER_BYTES // DOUBLE - 1
PREPARING: Final = 0.0
LIVING: Final = 1.0
LEFT: Final = 2.0

_FIXED: Final = struct.Struct("=8sI16sqqqq")
_CHECKSUM: Final = struct.Struct("=I")
_STATE: Final = struct.Struct("=d")
# Values are called "making" until they have a header, so that nobody takes them for damaged.
SUFFIXES: Final = ("values", "keys", "exemplars", "making")
_NAME: Final = re.compile(
    rf"(\d{{1,6}}-(\d{{1,10}})-([0-9a-f]{{16}})-(\d{{1,9}}))\.({'|'.join(SUFFIXES)})", re.ASCII
)


class Identity(NamedTuple):
    """Whose file it is.

    Attributes:
        worker: Random, 16 hexadecimal digits.
        turn: Which of its files this is: one counts no more as soon as the next one lives.
        pid: The process, in the namespace of the group.
        started: When it started, in clock ticks since boot; 0 where nobody can tell.
        slot: A small number, of one worker at a time.
    """

    worker: str
    turn: int
    pid: int
    started: int
    slot: int

    @property
    def stem(self) -> str:
        """Return what the names of its files have in common."""
        return f"{self.slot}-{self.pid}-{self.worker}-{self.turn}"


class Name(NamedTuple):
    """What a file's name tells."""

    stem: str
    pid: int
    worker: str
    turn: int
    suffix: str


def parse_name(name: str) -> Name | None:
    """Return what *name* tells, or None if it is no name of a worker's file."""
    found = _NAME.fullmatch(name)
    return None if found is None else Name(found[1], int(found[2]), found[3], int(found[4]), found[5])


def pack_header(identity: Identity) -> bytes:
    """Return the fixed part of a header, with its checksum."""
    worker, turn, pid, started, slot = identity
    fixed = _FIXED.pack(MAGIC, VERSION, worker.encode(), turn, pid, started, slot)
    return fixed + _CHECKSUM.pack(crc32(fixed))


def unpack_header(header: bytes) -> Identity:
    """Return whose file begins with *header*.

    Raises:
        WorkerFileError: It is cut off, damaged or of another layout.
    """
    fixed, checksum = header[: _FIXED.size], header[_FIXED.size : _FIXED.size + _CHECKSUM.size]
    if len(header) < HEADER_BYTES or _CHECKSUM.pack(crc32(fixed)) != checksum:
        raise WorkerFileError("a worker's file has a damaged header.")
    magic, version, worker, turn, pid, started, slot = _FIXED.unpack(fixed)
    if magic != MAGIC or version != VERSION:
        raise WorkerFileError(f"a worker's file has layout {version!r} of {magic!r}, not {VERSION}.")
    return Identity(worker.decode(), turn, pid, started, slot)


def unpack_state(header: bytes) -> float:
    """Return what a worker says of itself in a whole *header*."""
    state: float = _STATE.unpack_from(header, STATE * DOUBLE)[0]
    return state
