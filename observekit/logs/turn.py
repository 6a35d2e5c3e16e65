"""One process at a time writes to a pipe or a socket that several share.

A pipe takes 4 KiB in one piece and no more: of a longer line, lines of others could come in the middle.
"""

import fcntl
import select
from collections.abc import Callable
from time import monotonic, sleep
from typing import Final

# How long a turn is before others get theirs, and for how long it is left to them: longer than they sleep
# between two looks.
TURN_SECONDS: Final = 0.05
_LEFT_SECONDS: Final = 0.025
_SHORTEST_SLEEP: Final = 0.001
_LONGEST_SLEEP: Final = 0.02
# After this long without a turn, while the reader reads, whoever has it is held by a debugger, or stopped.
_PATIENCE_SECONDS: Final = 2.0
_LATE_PATIENCE_SECONDS: Final = 0.1


class Turn:
    """A lock of the processes that write to the same pipe or socket as *descriptor*.

    It is one of the kernel's on the file behind the descriptor, so that they need not know of each other, and
    it goes with a process that dies. Where there are no such locks, everybody has a turn at any time.
    """

    __slots__ = ("_descriptor", "_since")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._since = 0.0

    def take(self, late: Callable[[], bool]) -> None:
        """Wait until it is our turn; when it is *late*, hardly at all.

        No turn comes while nobody reads. Where one does not come although somebody does, go on without.
        """
        began, pause = monotonic(), _SHORTEST_SLEEP
        while not self._taken():
            ending, reads = late(), self._is_read()
            if ending and not reads:
                break
            if not (ending or reads):
                began = monotonic()
            if monotonic() - began >= (_LATE_PATIENCE_SECONDS if ending else _PATIENCE_SECONDS):
                break
            sleep(pause)
            pause = min(2 * pause, _LONGEST_SLEEP)
        self._since = monotonic()

    def taken(self) -> bool:
        """Whether it is our turn now, without waiting; then give() must follow."""
        taken = self._taken()
        self._since = monotonic()
        return taken

    def share(self, late: Callable[[], bool]) -> None:
        """Let others have theirs, if this one has been long."""
        if monotonic() - self._since < TURN_SECONDS or late():
            return
        self.give()
        sleep(_LEFT_SECONDS)
        self.take(late)

    def give(self) -> None:
        """End the turn, if there is one."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        except OSError:
            return

    def _taken(self) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX leaves open which of the two.
            return False
        except OSError:  # It cannot be locked, and so is by nobody.
            return True
        return True

    def _is_read(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))
