"""How large a request may be: what a collector has refused as too large is not tried again for a while."""

from typing import Final

# Source: to find a limit takes a few refusals, which are nothing beside what is sent in a minute; one that
# somebody has raised is found after that.
_KEPT_SECONDS: Final = 60.0
# How near the size comes to what was refused, as a part of that: each step on the way halves the rest, and
# may be refused once more.
_NEAR: Final = 8
# The first single span that is refused may be one of a kind; after the second it is the collector.
_IN_A_ROW: Final = 2


class Room:
    """The bytes of spans that a request may have; all times are readings of a monotonic clock.

    Attributes:
        size: As many as may go now.
    """

    __slots__ = ("_alone", "_most", "_refused", "_until", "size")

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = most
        self._refused = most + 1
        self._until = 0.0
        self._alone = 0

    def refused(self, size: int, spans: int, now: float) -> bool:
        """Note that *spans* spans of *size* bytes were too large; say whether anything at all is taken.

        Returns:
            Whether single spans are refused one after the other, so that to go on at once makes no sense.
        """
        if spans > 1:
            self._refused, self._until = size, now + _KEPT_SECONDS
            self.size = max(size // 2, 1)
            return False
        self._alone += 1
        return self._alone >= _IN_A_ROW

    def taken(self, now: float) -> None:
        """Note that a request was not too large: the next may have more, but not what was refused lately."""
        self._alone = 0
        if now >= self._until:
            self._refused = self._most + 1
            self.size = min(self.size * 2, self._most)
        elif self._refused - self.size > self._refused // _NEAR:
            # Less than it, and at most half of the way there: the limit may be anywhere between.
            self.size = min(self.size * 2, (self.size + self._refused) // 2)
