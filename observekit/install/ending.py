"""The end of telemetry with its process, also where no ``atexit`` function runs, as in forked workers."""

import atexit
import sys
from collections.abc import Callable
from typing import Any

from observekit.guard import in_forked_child


class Ending:
    """Calls *end* when the process ends.

    Children that multiprocessing has forked leave by ``os._exit()``; before that they run finalisers of
    multiprocessing's own, of which they forget those that they have inherited.
    """

    __slots__ = ("__weakref__", "_end", "_finaliser")

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._finaliser: Any = None
        atexit.register(end)
        self._register()
        in_forked_child(self._register_again)

    def _register(self) -> None:
        # Not imported for this: whoever is a child of it has it, and nobody else needs it.
        process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
        if process is not None and util is not None and process.parent_process() is not None:
            # The lowest priority: after the finalisers of others, who may still log.
            self._finaliser = util.Finalize(None, self._end, exitpriority=-(2**31))

    def cancel(self) -> None:
        """Call nothing any more."""
        atexit.unregister(self._end)
        if self._finaliser is not None:
            self._finaliser.cancel()
            self._finaliser = None

    def _register_again(self) -> None:
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            # Called after it has forgotten what it inherited, and not at all where others have forked.
            util.register_after_fork(self, Ending._register)
