"""The event loop of the application, on which its checks find what they hold, such as a pool."""

import asyncio
from collections.abc import Awaitable, Callable

Awaiter = Callable[[Awaitable[object], float], object]


def _nobody() -> Awaiter | None:
    """Know of no other kind of loop."""
    return None


class Home:
    """Where asynchronous checks run, whoever asks.

    Attributes:
        abroad: Awaits on the application's loop where that is not asyncio's, from any other thread and for
            so many seconds; none where it is.
        foreign: Finds that, called on such a loop.
    """

    __slots__ = ("_loop", "abroad", "foreign")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.abroad: Awaiter | None = None
        self.foreign: Callable[[], Awaiter | None] = _nobody

    def settle(self) -> None:
        """Make the running event loop the home, if one runs here."""
        try:
            self._loop, self.abroad = asyncio.get_running_loop(), None
        except RuntimeError:
            found = self.foreign()
            if found is not None:
                self._loop, self.abroad = None, found

    def leave(self) -> None:
        """Have no home, as in a forked child, where the parent's loop looks as if it ran."""
        self._loop, self.abroad = None, None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the home as long as it runs, else the loop that asks."""
        home = self._loop
        return home if home is not None and home.is_running() else asyncio.get_running_loop()
