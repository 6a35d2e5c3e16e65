"""How long a check holds the event loop: each of its steps is timed, so that the one that blocks is named."""

import types
from collections.abc import Awaitable, Callable, Generator
from time import perf_counter
from typing import Any, Final

# Source: the same as a stall of the event loop in its metrics, a quarter of a second.
BLOCKED_SECONDS: Final = 0.25

Blocked = Callable[[float], None]


class Steps:
    """The steps of one check; *blocked* is told of one that holds its loop too long, once for each step."""

    __slots__ = ("_began", "_blocked", "_told")

    def __init__(self, blocked: Blocked) -> None:
        self._blocked = blocked
        self._began: float | None = None
        self._told = False

    def look(self) -> bool:
        """Tell of a step that is under way, from any thread; say whether one holds its loop too long."""
        began = self._began
        seconds = 0.0 if began is None else perf_counter() - began
        if seconds < BLOCKED_SECONDS:
            return False
        if not self._told:
            self._told = True
            self._blocked(seconds)
        return True

    @types.coroutine
    def of(self, answer: Awaitable[object]) -> Generator[Any, Any, object]:
        """Await *answer*, and look at each of its steps."""
        steps = answer.__await__()
        given: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits_for = self._step(steps, given, error)
            except StopIteration as end:
                returned: object = end.value
                return returned
            try:
                given, error = (yield waits_for), None
            except BaseException as thrown:  # noqa: BLE001 -- it is the check's to raise, or not
                given, error = None, thrown

    def _step(self, steps: Any, given: Any, error: BaseException | None) -> Any:
        self._told = False
        self._began = perf_counter()
        try:
            if error is not None:
                return _throw(steps, error)
            return next(steps) if given is None else steps.send(given)
        finally:
            self.look()
            self._began = None


def _throw(steps: Any, error: BaseException) -> Any:
    throw = getattr(steps, "throw", None)
    if throw is None:  # A plain iterator, which cannot be told.
        raise error
    return throw(error)
