"""What a check is taken to say: enough results in a row change it, more where it goes back and forth."""

from typing import Final

from observekit.health.check import Result, Status

# Source: two minutes with a dependency that comes and goes every 0.3 s are to make four changes at most; who
# has come back and failed again has to pass four times as often, and no more than 15 times, which are half a
# minute at the usual 2 s.
_DOUBT: Final = 4
_MOST_PASSES: Final = 15
# Source: a rolling restart of a database takes its replicas down within minutes of each other.
_MEMORY_SECONDS: Final = 300.0


class Standing:
    """What one check is taken to say.

    Args:
        fail_after: So many failures in a row make a check that passed fail; the first result counts at once.
        pass_after: So many passes in a row make one that failed pass; more of them, each time it failed
            again within five minutes after that. With 1, each result is believed.
    """

    __slots__ = ("_doubt", "_fail_after", "_pass_after", "_passed_at", "_row", "shown")

    def __init__(self, fail_after: int, pass_after: int) -> None:
        self._fail_after = fail_after
        self._pass_after = pass_after
        self._passed_at: float | None = None
        self._doubt = 1
        self._row = 0
        self.shown: Result | None = None

    @property
    def status(self) -> Status | None:
        """What it says; nothing before the first result."""
        return None if self.shown is None else self.shown.status

    def take(self, result: Result, now: float) -> None:
        """Take a further result, *now* in seconds on any clock that only goes forward."""
        passes = result.status == "ok"
        before = self.status
        if before is None or passes == (before == "ok"):
            self.shown, self._row = result, 0
            return
        self._row += 1
        if self._row < (self._passes_wanted() if passes else self._fail_after):
            return
        self.shown, self._row = result, 0
        if passes:
            self._passed_at = now
        else:
            self._note_failure(now)

    def _passes_wanted(self) -> int:
        if self._pass_after == 1:
            return 1
        return max(self._pass_after, min(self._pass_after * self._doubt, _MOST_PASSES))

    def _note_failure(self, now: float) -> None:
        again = self._passed_at is not None and now - self._passed_at < _MEMORY_SECONDS
        self._doubt = self._doubt * _DOUBT if again else 1
