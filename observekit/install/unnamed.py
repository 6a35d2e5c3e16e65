"""Which service a process belongs to that has no name: one program may start workers of several."""

import os
import sys
from collections.abc import MutableMapping
from types import FrameType
from typing import Final

from observekit.guard import in_forked_child
from observekit.metrics.workers import kin

# Children are told that whoever starts them is observed: then they are workers of its service.
_MARK: Final = "_OBSERVEKIT_PARENT"


class Unnamed:
    """Tells services without a name apart by the file that sets them up.

    A parent that is set up itself, and its children, are one service wherever that is done.

    Attributes:
        place: The file; empty for the service of a parent, and in a process that was started alone.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._environ = environ
        self._before = environ.get(_MARK)
        self._has_ended = False
        self.place = self._place_of_parent()

    def _place_of_parent(self) -> str:
        starter = kin.starter()
        if starter is None:
            return ""
        parent, _, place = (self._before or "").partition(" ")
        return place if parent == kin.start_by(starter).name else _caller()

    def begin(self) -> None:
        """Tell children to come that they are workers of this service."""
        self._mark()
        in_forked_child(self._mark)

    def _mark(self) -> None:
        if self._has_ended:
            return
        self._environ[_MARK] = f"{kin.start_by(os.getpid()).name} {self.place}"

    def end(self) -> None:
        """Tell them no more."""
        self._has_ended = True
        if self._before is None:
            self._environ.pop(_MARK, None)
        else:
            self._environ[_MARK] = self._before


def _caller() -> str:
    """Return the file of the first call that is not ours."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 -- as warnings and logging do
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith("observekit."):
        frame = frame.f_back
    return "" if frame is None else frame.f_code.co_filename
