"""Waiting for what must come, and no longer than it does."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Final, TypeVar

DEADLINE_SECONDS: Final = 40.0
"""What nothing here takes, on a machine that is busy."""
# Most comes at once; what does not is not asked for so often that asking delays it.
_SHORTEST_SECONDS: Final = 0.001
_LONGEST_SECONDS: Final = 0.02

Found = TypeVar("Found")


def until(condition: Callable[[], Found], told: Callable[[], object] = lambda: "it never came") -> Found:
    """Return what *condition* comes to when it is true."""
    deadline, pause = monotonic() + DEADLINE_SECONDS, _SHORTEST_SECONDS
    while not (found := condition()):
        if monotonic() > deadline:
            raise AssertionError(told())
        sleep(pause)
        pause = min(2 * pause, _LONGEST_SECONDS)
    return found
