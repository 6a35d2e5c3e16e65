"""Handlers of others: which of them print to the console, and what their filters do to records."""

import logging
import logging.handlers
import sys
from collections.abc import Callable
from typing import Any, Final

_STANDARD: Final = ((1, "__stdout__"), (2, "__stderr__"))

Failed = Callable[[Exception], object]


def prints(handler: logging.Handler) -> bool:
    """Whether *handler* writes to the console, by itself or by the one it hands its records to."""
    if isinstance(handler, logging.handlers.MemoryHandler):
        return handler.target is not None and prints(handler.target)
    if isinstance(handler, logging.handlers.QueueHandler):
        # Where logging.config has made it, it knows who listens; else nobody does.
        listener: Any = getattr(handler, "listener", None)
        listening = getattr(listener, "handlers", ())
        return bool(listening) and all(map(prints, listening))
    if isinstance(handler, logging.FileHandler):
        return False
    if isinstance(handler, logging.StreamHandler):
        return _is_console(handler.stream)
    # As rich's handler has it.
    return _is_console(getattr(getattr(handler, "console", None), "file", None))


def _is_console(stream: Any) -> bool:
    if stream is None:
        return False
    if any(stream is one for one in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        return True
    # A process that was started without them may have opened something else under their numbers.
    console = [number for number, name in _STANDARD if getattr(sys, name) is not None]
    try:
        return stream.fileno() in console
    except Exception:  # noqa: BLE001 -- a stream may be anything with a write method
        return False


class Borrowed:
    """A filter of a handler that was replaced: what it adds to records is added still.

    It may leave records out where its handler was the only one; where several shared the console, as one for
    each stream, each left out what was the other's.
    """

    __slots__ = ("_alone", "_failed", "filter_of_theirs")

    def __init__(self, theirs: Any, failed: Failed, *, alone: bool) -> None:
        self.filter_of_theirs = theirs
        self._failed = failed
        self._alone = alone

    def __call__(self, record: logging.LogRecord) -> Any:
        """Have the filter look at *record*, and return what it says."""
        theirs = self.filter_of_theirs
        try:
            said = theirs.filter(record) if hasattr(theirs, "filter") else theirs(record)
        except Exception as error:  # noqa: BLE001 -- a filter is the user's code
            self._failed(error)
            return True
        # Since Python 3.12 it may be another record.
        return said if self._alone or isinstance(said, logging.LogRecord) else True
