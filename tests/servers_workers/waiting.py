"""Waiting for what must come, and no longer than it does."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Final, TypeVar

DEADLINE_SECONDS: Final = 40.0
"""What nothing here takes, on a machine that is busy."""

Found = TypeVar("Found")


def until(condition: Callable[[], Found], told: Callable[[], object] = lambda: "it never came") -> Found:
    """Return what *condition* comes to when it is true."""
    deadline = monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        if monotonic() > deadline:
            raise AssertionError(told())
        sleep(0.02)
    return found
