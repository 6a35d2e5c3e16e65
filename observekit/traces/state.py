"""What a ``tracestate`` header may hold, by the grammar of level 2, which OpenTelemetry does not know yet."""

import re
from collections.abc import Sequence
from typing import Final

from opentelemetry.trace import TraceState

# Source: W3C Trace Context level 2, section 3.3.1: 32 members, and in 3.3.1.3.1 keys of 256 characters.
# Level 1 took a digit in front, and "@", only where a tenant and a system stand around the "@".
MEMBERS: Final = 32
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}")
# Source: the same, section 3.3.1.3.2: 256 characters, of which the last is no space.
_VALUE: Final = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")


def is_member(key: str, value: str) -> bool:
    """Whether *key* and *value* may stand in a ``tracestate`` header."""
    return _KEY.fullmatch(key) is not None and _VALUE.fullmatch(value) is not None


class State(TraceState):
    """Members that were read, and may have keys of level 2.

    OpenTelemetry's own holds them to the keys of level 1: it leaves others out when it is made, also when it
    is made anew for a change, and writes them to the log.
    """

    def __init__(self, entries: Sequence[tuple[str, str]] | None = None) -> None:
        super().__init__()
        self._dict = dict(entries or ())

    def add(self, key: str, value: str) -> TraceState:
        """Return these with another member in front; the same where it is there or cannot be one."""
        return self if key in self else self.update(key, value)

    def update(self, key: str, value: str) -> TraceState:
        """Return these with a changed or new member in front; the same where it cannot be one."""
        if not is_member(key, value) or (key not in self and len(self) >= MEMBERS):
            return self
        return State([(key, value), *self._without(key)])

    def delete(self, key: str) -> TraceState:
        """Return these without a member."""
        return State(self._without(key)) if key in self else self

    def _without(self, key: str) -> list[tuple[str, str]]:
        return [member for member in self.items() if member[0] != key]
