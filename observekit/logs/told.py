"""Exceptions that a canonical event has described, so that a server's line about one need not do it again."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_KEY: Final = "__observekit_told__"


def remember(error: BaseException, ids: Mapping[str, str]) -> None:
    """Note on *error* that it was described, in an event with these *ids*."""
    with suppress(Exception):  # A class of the user's may refuse; the traceback is written twice then.
        error.__dict__[_KEY] = ids


def told_with(error: BaseException) -> Mapping[str, str] | None:
    """Return the ids of the event that has described *error*; ``None`` where none has."""
    ids = getattr(error, "__dict__", {}).get(_KEY)
    return ids if isinstance(ids, dict) else None
