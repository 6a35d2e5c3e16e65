"""When the collector is asked again: later after each failure, and gently once it is back."""

from random import SystemRandom
from typing import Final

# Source: OTLP specification, "exponential backoff with jitter". A collector that is back is found within the
# last of these, and services that lost it together do not find it together.
_FIRST_SECONDS: Final = 0.5
_LAST_SECONDS: Final = 4.0
# What is waiting after an outage goes out in requests that follow each other faster and faster: twenty
# services that send all they have at once are the next outage.
_GENTLE_SECONDS: Final = 2.0
_NO_MATTER_SECONDS: Final = 0.02

_random: Final = SystemRandom()


class Pace:
    """Says from when on the next request may go; all times are readings of a monotonic clock.

    Attributes:
        failing: Whether the last request failed in a way that will pass.
        not_before: When the next may go.
        asked: Whether the collector itself has named that time.
    """

    __slots__ = ("_failures", "_gap", "asked", "failing", "not_before")

    def __init__(self) -> None:
        self._failures = 0
        self._gap = 0.0
        self.failing = False
        self.asked = False
        self.not_before = 0.0

    def failed(self, now: float, after_seconds: float | None) -> None:
        """Note a failure, with the seconds that the collector wants not to be asked for."""
        step = min(_FIRST_SECONDS * 2 ** min(self._failures, 8), _LAST_SECONDS)
        wait = step * _random.uniform(0.5, 1.0)
        self._failures += 1
        self.failing, self.asked = True, after_seconds is not None
        # Not all of those who were told the same number come back at once.
        self.not_before = now + wait + (after_seconds or 0.0)

    def succeeded(self, now: float) -> None:
        """Note that the collector has taken something."""
        if self.failing:
            self._gap = _GENTLE_SECONDS * _random.uniform(0.5, 1.0)
        elif self._gap:
            self._gap = self._gap / 2 if self._gap > _NO_MATTER_SECONDS else 0.0
        self._failures = 0
        self.failing = self.asked = False
        self.not_before = now + self._gap
