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
        lowest: What is below is below the level of every logger.
    """

    __slots__ = ("_changed", "_known", "hints", "least", "lowest", "named")

    def __init__(
        self, least: int, named: Mapping[str, int] = _NONE, hints: Mapping[str, int] = _NONE
    ) -> None:
        self.least = least
        self.named = named
        self.hints = hints
        self._changed: Mapping[str, int] = _NONE
        self._known: dict[str, int] = {}
        self.lowest = self._lowest()

    def change(self, changed: Mapping[str, int]) -> None:
        """Let *changed* levels go before all others of the same name; the empty name is above all."""
        self._changed = changed
        self.lowest = self._lowest()
        # After it: whoever finds what was before notes it where nobody looks any more.
        self._known = {}

    def _lowest(self) -> int:
        return min((self.least, *self.named.values(), *self.hints.values(), *self._changed.values()))

    def of(self, name: str) -> int:
        """Return the number from which on records of the logger *name* are taken in."""
        known = self._known.get(name)
        return self._find(name) if known is None else known

    def _find(self, name: str) -> int:
        known, changed = self._known, self._changed
        part = name
        while part and part not in changed and part not in self.named and part not in self.hints:
            part = part.rpartition(".")[0]
        number = changed.get(part, self.named.get(part, self.hints.get(part, self.least)))
        if len(known) < _KEPT:
            known[name] = number
        return number
