"""How often jobs have to go well, as those say who know: without it, nobody can say that one is late."""

from math import isfinite
from typing import Final

# A name is a constant; whoever makes them from data would make as many series.
_MOST: Final = 1000


class Periods:
    """The periods of declared jobs, in seconds by name."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def declare(self, name: str, seconds: object) -> str | None:
        """Note that the job *name* has to go well every *seconds*; return what is wrong with that."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            return f"every_seconds of operation {name!r} is {seconds!r}, but must be a number of seconds."
        if not isfinite(seconds) or seconds <= 0:
            return f"every_seconds of operation {name!r} is {seconds!r}, but must be above 0, like 86400."
        if name not in self._seconds and len(self._seconds) >= _MOST:
            return (
                f"operation {name!r} is one too many with every_seconds, of which there may be {_MOST}; make "
                "names constants, and pass what differs as fields."
            )
        self._seconds[name] = float(seconds)
        return None

    def shown(self) -> list[tuple[tuple[str, ...], float]]:
        """Return all of them, as they stand on the metrics page."""
        return [((name,), seconds) for name, seconds in list(self._seconds.items())]
