"""The event loop of the application, on which its checks find what they hold, such as a pool."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context

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
        context: Makes the context that a run has, which is nobody's request.
    """

    __slots__ = ("_loop", "abroad", "context", "foreign")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.abroad: Awaiter | None = None
        self.foreign: Callable[[], Awaiter | None] = _nobody
        self.context: Callable[[], Context] = Context

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

    def turning(self) -> asyncio.AbstractEventLoop | None:
        """Return the home if it runs, stuck or not."""
        home = self._loop
        return home if home is not None and home.is_running() else None

    def is_gone(self) -> bool:
        """Whether there was a home that does not run any more."""
        return self._loop is not None and not self._loop.is_running()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the home as long as it runs, else the loop that asks."""
        return self.turning() or asyncio.get_running_loop()
