"""The event loop of the application, on which its checks find what they hold, such as a pool."""

import asyncio


class Home:
    """Where asynchronous checks run, whoever asks."""

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def settle(self) -> None:
        """Make the running event loop the home; another kind of loop, as trio's, cannot be one."""
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return

    def leave(self) -> None:
        """Have no home, as in a forked child, where the parent's loop looks as if it ran."""
        self._loop = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the home as long as it runs, else the loop that asks."""
        home = self._loop
        return home if home is not None and home.is_running() else asyncio.get_running_loop()
