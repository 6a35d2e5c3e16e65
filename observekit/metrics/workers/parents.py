"""Whether a worker still has the service that it was started for."""

import os
from pathlib import Path
from typing import Final

from observekit.guard import in_forked_child
from observekit.metrics.workers import kin, layout
from observekit.metrics.workers.processes import is_running

_INIT: Final = 1


class Parents:
    """Who has started this process, as it was when it was set up or forked."""

    def __init__(self) -> None:
        self._session = os.getsid(0)
        self._own, self._parent = os.getpid(), os.getppid()
        in_forked_child(self._forked)

    def _forked(self) -> None:
        # Not as the kernel says: the parent may have ended already.
        self._own, self._parent = os.getpid(), self._own

    def have_gone(self, group: Path) -> bool:
        """Tell whether this worker of *group* is an orphan: nobody that it was started for runs any more.

        A daemon has left the session of those who started it, and is a service of its own.
        """
        start = kin.parse(group.name)
        if start is None or os.getsid(0) != self._session or is_running(start.pid, start.started):
            return False
        return self._parent == _INIT or os.getppid() != self._parent


def workers_of(group: Path) -> set[int]:
    """Return the pids of the process that has started *group*, and of all that have files in it."""
    start = kin.parse(group.name)
    try:
        names = os.listdir(group)  # noqa: PTH208 -- names are all it takes
    except OSError:
        names = []
    found = {parsed.pid for name in names if (parsed := layout.parse_name(name)) is not None}
    return found if start is None else {start.pid, *found}
