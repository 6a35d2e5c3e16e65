"""The level of what OpenTelemetry logs about itself."""

import logging
from typing import Final

# The second has a level of ours unless it is given another: failed exports have an event of our own.
_LOGGERS: Final = ("opentelemetry", "opentelemetry.exporter.otlp")


class OtelLevel:
    """Gives OpenTelemetry's loggers *level*, and back what they had.

    ``handler`` takes in what is below *others*, the level that the root's own handler begins at.
    """

    __slots__ = ("_before", "_handler", "_level", "_others")

    def __init__(self, handler: logging.Handler, level: int, others: int) -> None:
        self._handler = handler
        self._level = level
        self._others = others
        self._before: dict[logging.Logger, int] = {}

    def take(self) -> None:
        """Set the level; a logger that has one of its own keeps it."""
        for logger in map(logging.getLogger, _LOGGERS):
            if logger.level == logging.NOTSET:
                self._before[logger] = logger.level
                logger.setLevel(self._level)
        if self._level < self._others:
            self._handler.addFilter(self._is_below)
            logging.getLogger(_LOGGERS[0]).addHandler(self._handler)

    def give_back(self) -> None:
        """Undo it, but for what others have changed since."""
        logging.getLogger(_LOGGERS[0]).removeHandler(self._handler)
        for logger, level in self._before.items():
            if logger.level == self._level:
                logger.setLevel(level)
        self._before.clear()

    def _is_below(self, record: logging.LogRecord) -> bool:
        return record.levelno < self._others
