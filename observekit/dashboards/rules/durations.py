"""Durations as Prometheus writes them."""

import re
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_UNITS: Final = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": 1}
_WRITTEN: Final = re.compile(r"([1-9][0-9]*)([wdhms])")


def duration(seconds: float) -> str:
    """Return *seconds*, which are at least a thousandth, in the largest unit that keeps them whole."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{max(1, round(seconds * 1000))}ms"


def seconds_of(text: str) -> int | None:
    """Return what *text* like ``30d`` says in seconds, ``None`` if it is no duration of one unit."""
    found = _WRITTEN.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None
