"""From which level on the records of a logger are taken in."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Names of loggers come from code, mostly one for each module; should somebody make them of data, those past
# these are looked up each time.
_KEPT: Final = 4096
_NONE: Final[Mapping[str, int]] = MappingProxyType({})

NUMBERS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


class Levels:
    """The level of every logger: that of the most specific name which has one, else ``least``.

    Attributes:
        least: The level of loggers that nothing else is said of.
        named: Levels that were given by name.
        hints: Levels for loggers that nobody has given one by name.
    """

    __slots__ = ("_known", "hints", "least", "named")

    def __init__(
        self, least: int, named: Mapping[str, int] = _NONE, hints: Mapping[str, int] = _NONE
    ) -> None:
        self.least = least
        self.named = named
        self.hints = hints
        self._known: dict[str, int] = {}

    def of(self, name: str) -> int:
        """Return the number from which on records of the logger *name* are taken in."""
        known = self._known.get(name)
        return self._find(name) if known is None else known

    def _find(self, name: str) -> int:
        part = name
        while part and part not in self.named and part not in self.hints:
            part = part.rpartition(".")[0]
        number = self.named.get(part, self.hints.get(part, self.least))
        if len(self._known) < _KEPT:
            self._known[name] = number
        return number
