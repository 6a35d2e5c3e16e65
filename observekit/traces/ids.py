"""Ids of traces and spans: from the operating system's entropy, and nobody else's."""

import os
from struct import Struct
from typing import Final

from opentelemetry.sdk.trace.id_generator import IdGenerator

from observekit.guard import in_forked_child

# Ids that are fetched stand in memory, and a snapshot of a virtual machine (SnapStart, CRIU) that is restored
# twice makes each of them twice: so those of ten requests, and not of hundreds.
# Source: getrandom(2) gives up to 256 bytes in one piece, whatever signals come.
_WORDS: Final = Struct("<30Q")


class SystemIds(IdGenerator):
    """Ids from the operating system's entropy.

    The SDK takes them from the global random generator: two services that call ``random.seed(42)``
    then make the same ids, and so do forked children.
    """

    def __init__(self) -> None:
        self._renew()
        in_forked_child(self._renew)

    def _renew(self) -> None:
        """Begin with nothing, also in a forked child, which must not make the ids that its parent makes."""
        self._ready: list[int] = []
        self._pairs: list[tuple[int, int]] = []

    def generate_span_id(self) -> int:
        """Return 64 random bits that are not all zero."""
        return self._word() or 1

    def generate_trace_id(self) -> int:
        """Return 128 random bits that are not all zero."""
        return self._word() << 64 | self._word() or 1

    def pair(self) -> tuple[int, int]:
        """Return the ids of a trace and of its first span, of which nobody else gets either."""
        while True:
            try:
                return self._pairs.pop()  # In one step, so that threads and signal handlers share none.
            except IndexError:
                words = _WORDS.unpack(os.urandom(_WORDS.size))
                thirds = zip(words[::3], words[1::3], words[2::3], strict=True)
                self._pairs += [(high << 64 | low or 1, span or 1) for high, low, span in thirds]

    def _word(self) -> int:
        """Return 64 random bits that nobody else gets."""
        # Fetched by the dozen: asking the system for each took a tenth of what an unsampled request paid.
        while True:
            try:
                return self._ready.pop()  # In one step, so that threads and signal handlers share none.
            except IndexError:
                self._ready.extend(_WORDS.unpack(os.urandom(_WORDS.size)))

    def is_trace_id_random(self) -> bool:
        """Say that the random flag of W3C Trace Context level 2 may be set."""
        return True
