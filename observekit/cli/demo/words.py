"""Numbers as people read them."""

from math import isnan

NOTHING = "-"


def duration(seconds: float) -> str:
    """Return a duration in three digits, like ``4.8 ms``, ``310 ms`` or ``1.25 s``."""
    if isnan(seconds):
        return NOTHING
    if seconds < 0.01:  # noqa: PLR2004 -- where one more digit begins to matter
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def share(ratio: float) -> str:
    """Return a part of a whole in percent, like ``4.8 %`` or ``12 %``; nothing where there is none."""
    if isnan(ratio) or ratio == 0:
        return NOTHING
    percent = ratio * 100
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"  # noqa: PLR2004 -- two digits do


def rate(number: float, seconds: float) -> str:
    """Return how many a second."""
    return NOTHING if seconds <= 0 or number <= 0 else f"{number / seconds:.1f}/s"
