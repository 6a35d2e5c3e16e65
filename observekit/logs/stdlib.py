"""stdlib logging as a source of the same records, servers' loggers included."""

import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

from observekit.guard import Guard
from observekit.logs.pipeline import Pipeline
from observekit.logs.record import exception_of

# What a LogRecord has by itself, some of it only after formatting; all else on one came in as extra=.
_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "color_message",
}
# Loggers whose only use is the access line, which the canonical event replaces.
_ACCESS: Final = ("uvicorn.access", "gunicorn.access", "hypercorn.access", "granian.access")


class RecordHandler(logging.Handler):
    """Hands stdlib records to the pipeline."""

    def __init__(self, pipeline: Pipeline, guard: Guard) -> None:
        super().__init__()
        self._pipeline = pipeline
        self._guard = guard

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; never raises."""
        try:
            event, fields = _read(record)
        except Exception as error:  # noqa: BLE001 -- the arguments of a message are the user's objects
            self._guard.failed("logs", error)
            event, fields = str(record.msg), {"logging_arguments": "cannot be put into the message"}
        self._pipeline.emit(
            record.levelname.lower(),
            event,
            fields,
            logger=record.name,
            error=exception_of(record.exc_info),
            seconds=record.created,
        )


def _read(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    fields = {key: value for key, value in record.__dict__.items() if key not in _OWN}
    if record.stack_info:
        fields["stack"] = record.stack_info
    # uvicorn ends its message about an exception with a newline.
    return record.getMessage().rstrip("\n"), fields


class Takeover:
    """Puts one handler in the place of every handler that prints to the console.

    Handlers that write elsewhere, to files or to services, stay as they are.
    """

    __slots__ = ("_handler", "_level", "_undo")

    def __init__(self, handler: logging.Handler, level: int) -> None:
        self._handler = handler
        self._level = level
        self._undo: dict[logging.Logger, tuple[list[logging.Handler], bool, int]] = {}

    def take(self) -> None:
        """Take the console over; once more after a server has configured its loggers."""
        root = logging.getLogger()
        for logger in [root, *_known_loggers()]:
            self._quiet(logger)
        for name in _ACCESS:
            access = logging.getLogger(name)
            self._remember(access)
            # Without a handler in reach uvicorn does not even format the line.
            access.propagate = False
        if self._handler not in root.handlers:
            self._remember(root)
            root.addHandler(self._handler)
            root.setLevel(self._level)

    def give_back(self) -> None:
        """Restore handlers, propagation and levels as they were."""
        for logger, (handlers, propagate, level) in self._undo.items():
            logger.handlers[:] = handlers
            logger.propagate = propagate
            logger.setLevel(level)
        self._undo.clear()

    def _quiet(self, logger: logging.Logger) -> None:
        printing = [handler for handler in logger.handlers if _prints(handler)]
        if printing:
            self._remember(logger)
            logger.handlers[:] = [handler for handler in logger.handlers if handler not in printing]
            logger.propagate = True

    def _remember(self, logger: logging.Logger) -> None:
        self._undo.setdefault(logger, (list(logger.handlers), logger.propagate, logger.level))


def _known_loggers() -> Iterator[logging.Logger]:
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger


def _prints(handler: logging.Handler) -> bool:
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return (
        isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
        and handler.stream in streams
    )
