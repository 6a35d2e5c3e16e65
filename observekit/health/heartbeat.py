"""Whether the application's event loop turns: it is called once a second, and has to answer."""

import asyncio
from contextlib import suppress
from typing import Final, Literal

from observekit.health.home import Home

TICK_SECONDS: Final = 1.0
# An instance whose loop has not turned for so long answers nobody. Source: three calls, as for stale results.
READINESS_SECONDS: Final = 3.0
# A loop that has come back from a stall may need so many times as long the next time.
_ROOM: Final = 4
# But never more than this many times the threshold: a loop that is stuck for good must be seen.
_MOST: Final = 10
# What is left of the longest stall after each answer: half of it after ten minutes.
_FADES: Final = 0.5 ** (TICK_SECONDS / 600)


class Heartbeat:
    """Calls the loop at *home* with each tick, and counts ticks, not seconds, until it answers.

    Where the process gets no CPU time, or is held still, whoever ticks stands still as the loop does, so
    that nothing is held against it when it goes on.

    Args:
        limit_seconds: Silence after which liveness fails; 0 where it never does. More for a loop that has
            recovered from long stalls before.
    """

    __slots__ = ("_answered", "_called", "_home", "_lag", "_limit", "_silent")

    def __init__(self, home: Home, limit_seconds: float) -> None:
        self._home = home
        self._limit = limit_seconds
        self._lag = 0.0
        self.forget()

    def forget(self) -> None:
        """Begin anew, as in another life or in a forked child."""
        self._called: asyncio.AbstractEventLoop | None = None
        self._answered = True
        self._silent = 0

    def tick(self) -> None:
        """Count a tick of a silent loop, or call one that has answered; once a second, on a thread."""
        loop = self._home.turning()
        if loop is None or loop is not self._called:
            self.forget()
        elif not self._answered:
            self._silent += 1
            return
        else:
            self._lag = max(self._silent * TICK_SECONDS, self._lag * _FADES)
            self._silent = 0
        if loop is not None:
            self._called, self._answered = loop, False
            with suppress(RuntimeError):  # It is closed.
                loop.call_soon_threadsafe(self._answer, loop)

    def silent_seconds(self) -> float:
        """Return how long the loop has not answered; 0 where there is none that runs."""
        loop = self._home.turning()
        return 0.0 if self._answered or loop is not self._called else self._silent * TICK_SECONDS

    def limit_seconds(self) -> float:
        """Return the silence after which liveness fails now."""
        return min(_MOST * self._limit, max(self._limit, _ROOM * self._lag))

    def fails(self, probe: Literal["liveness", "readiness"]) -> bool:
        """Whether *probe* must fail because the loop is stuck."""
        silent = self.silent_seconds()
        if probe == "readiness":
            return silent >= READINESS_SECONDS
        return self._limit > 0 and silent >= self.limit_seconds()

    def is_known(self) -> bool:
        """Whether there is a loop that is called."""
        return self._called is not None and self._called is self._home.turning()

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._called:
            self._answered = True
