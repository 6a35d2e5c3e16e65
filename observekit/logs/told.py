"""Exceptions that a canonical event has described, so that a server need not say them again."""

from contextlib import suppress
from typing import Final

_KEY: Final = "__observekit_told__"


def remember(error: BaseException) -> None:
    """Note on *error* that it was described in a canonical event."""
    with suppress(Exception):  # A class of the user's may refuse; the traceback is written twice then.
        error.__dict__[_KEY] = True


def was_told(error: BaseException) -> bool:
    """Whether a canonical event has described *error* itself; one that it was wrapped in is another."""
    try:
        return _KEY in error.__dict__
    except Exception:  # noqa: BLE001 -- __dict__ may be anything of the user's
        return False
