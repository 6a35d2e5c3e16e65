"""Handing on a failure once, however often it comes again, until it has been away."""

from collections.abc import Callable
from typing import Final

Failed = Callable[[BaseException], None]
_Key = tuple[type[BaseException], int | str]

# Failures that differ in their words only, as by the names of files; past these all of them are told anew.
_KEPT: Final = 256


class Once:
    """Hands each failure to *failed* the first time, and not again while every round has it."""

    __slots__ = ("_before", "_failed", "_now")

    def __init__(self, failed: Failed) -> None:
        self._failed = failed
        self._before: set[_Key] = set()
        self._now: set[_Key] = set()

    def failed(self, error: BaseException) -> None:
        """Hand *error* on, unless it has been since the round before this one."""
        key = _key(error)
        is_known = key in self._before or key in self._now
        if len(self._now) < _KEPT:
            self._now.add(key)
        if not is_known:
            self._failed(error)

    def end_round(self) -> None:
        """Forget what did not fail again since the last call."""
        self._before, self._now = self._now, set()


def _key(error: BaseException) -> _Key:
    # The words of an OSError have the name of a file in them, which is another one with each attempt.
    number = error.errno if isinstance(error, OSError) else None
    return type(error), str(error) if number is None else number
