"""Logging as a whole: made from the configuration, installed, and given back as it was."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

from observekit.config import Config
from observekit.guard import Guard
from observekit.logs.console import Console
from observekit.logs.encoder import encode
from observekit.logs.pipeline import Encode, Pipeline
from observekit.logs.stdlib import RecordHandler, Takeover
from observekit.logs.writer import Writer


class NamedLogger:
    """What structlog wraps: it knows its name, and the pipeline does the rest."""

    __slots__ = ("name",)

    def __init__(self, *args: object) -> None:
        self.name = str(args[0]) if args and args[0] is not None else ""


class Logs:
    """The log path of one process."""

    __slots__ = ("_before", "_level", "_takeover", "_writer", "pipeline")

    def __init__(
        self,
        config: Config,
        count: Callable[[str], None],
        dropped: Callable[[str, int], None],
        guard: Guard,
    ) -> None:
        self._level = logging.getLevelNamesMapping()[config.log_level.upper()]
        self._writer = Writer(
            _descriptor(),
            config.log_buffer_bytes,
            dropped,
            lambda lost: self.pipeline.line("warning", "observekit.logs_resumed", {"dropped": lost}),
        )
        self.pipeline = Pipeline(config.service_name, _encoder(config), self._writer.write, count, guard)
        self._takeover = Takeover(RecordHandler(self.pipeline, guard), self._level)
        self._before: dict[str, Any] | None = None

    def install(self) -> None:
        """Make structlog and stdlib logging write here."""
        self._before = structlog.get_config()
        structlog.configure(
            processors=[self.pipeline],
            wrapper_class=structlog.make_filtering_bound_logger(self._level),
            logger_factory=NamedLogger,
            context_class=dict,
            cache_logger_on_first_use=True,
        )
        self._takeover.take()

    def take_over(self) -> None:
        """Take servers' loggers over once more, after they were configured for a new start."""
        self._writer.reopen()
        self._takeover.take()

    def flush(self, budget_seconds: float) -> None:
        """Write what waits; what is logged from now on is written at once, because the end may be near."""
        self._writer.close(budget_seconds)

    def close(self, budget_seconds: float) -> None:
        """Give logging back as it was, and write what waits for at most *budget_seconds*."""
        self._takeover.give_back()
        if self._before is not None:
            structlog.configure(**self._before)
            self._before = None
        self._writer.close(budget_seconds)


def _descriptor() -> int | None:
    """Return the descriptor of standard output; none where the process was started without."""
    try:
        return None if sys.stdout is None else sys.stdout.fileno()
    except (OSError, ValueError):  # Replaced by something without a descriptor, such as a StringIO.
        return None if sys.__stdout__ is None else sys.__stdout__.fileno()


def _encoder(config: Config) -> Encode:
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if config.log_format == "console" or (config.log_format == "auto" and terminal):
        return Console(colors=terminal)
    return encode
