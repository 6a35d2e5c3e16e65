"""Waiting for something that somebody else has, in a process that tends nothing."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from observekit.guard import Guard, in_forked_child

# Source: as often as workers look after what they share.
AGAIN_SECONDS: Final = 1.0


class Waits:
    """Tries again once a second until it is told to end, on a thread of its own; that is all it costs."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        # The parent's thread may be at it just when a child is forked, which could never set it then.
        self._ended = Event()

    def begin(self, work: Callable[[], bool]) -> None:
        """Call *work* until it returns true."""
        try:
            Thread(target=self._run, args=(work,), name="observekit-waits", daemon=True).start()
        except RuntimeError as error:  # No further thread: then it stays as it is.
            self._guard.failed("ops", error)

    def end(self) -> None:
        """Try no more."""
        self._ended.set()

    def _run(self, work: Callable[[], bool]) -> None:
        while not self._ended.wait(AGAIN_SECONDS):
            try:
                if work():
                    return
            except Exception as error:  # noqa: BLE001 -- the next time may be better
                self._guard.failed("ops", error)
