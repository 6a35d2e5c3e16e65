"""Logging as a whole: made from the configuration, installed, and given back as it was."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from observekit.catalogue.events import LOGS_RESUMED
from observekit.config import Config
from observekit.guard import Guard
from observekit.logs.changes import Changes
from observekit.logs.configuration import Configuration
from observekit.logs.console import Console
from observekit.logs.encoder import encode
from observekit.logs.flight import Recorder
from observekit.logs.hooks import Hooks
from observekit.logs.levels import Levels
from observekit.logs.limits import Limits
from observekit.logs.logfmt import logfmt
from observekit.logs.output import PATIENCE_SECONDS, opened
from observekit.logs.pipeline import Encode, Pipeline
from observekit.logs.stdlib import RecordHandler
from observekit.logs.takeover import Takeover
from observekit.logs.writer import Writer

# OpenTelemetry's level is that of its own log. The second has one of ours unless it is given another: failed
# exports have an event of our own.
_OTEL: Final = ("opentelemetry", "opentelemetry.exporter.otlp")


class Counts(NamedTuple):
    """What is told of records: the level of each, and why and how many are lost or kept back."""

    taken_in: Callable[[str], None]
    dropped: Callable[[str, int], None]
    suppressed: Callable[[str, int], None]


class Logs:
    """The log path of one process."""

    __slots__ = (
        "_closed",
        "_configuration",
        "_handler",
        "_hooks",
        "_takeover",
        "_writer",
        "changes",
        "flight",
        "pipeline",
    )

    def __init__(
        self,
        config: Config,
        counts: Counts,
        guard: Guard,
    ) -> None:
        descriptor = _descriptor()
        self._writer = Writer(
            opened(descriptor),
            config.log_buffer_bytes,
            counts.dropped,
            lambda lost: self.pipeline.line("warning", LOGS_RESUMED.name, {"dropped": lost}),
        )
        encoder = _encoder(config, descriptor)
        levels = _levels(config)
        self.pipeline = Pipeline(
            config.service_name,
            encoder,
            self._writer.write,
            counts.taken_in,
            guard,
            levels,
            urgent=self._writer.write_urgent,
            limits=_limits(config, counts),
        )
        self.flight: Recorder | None = None
        least = None
        if config.log_flight_recorder is not None:
            least = _number(config.log_flight_recorder)
            slow, limit = config.log_slow_seconds, config.log_buffer_bytes
            self.flight = self.pipeline.record_flights(least, slow, limit)
        self.changes = Changes(levels, self._audit, self.pipeline.failed)
        self._handler = RecordHandler(self.pipeline)
        self._takeover = Takeover(self._handler, levels, self.pipeline.failed, least, self.changes.aside)
        self._hooks = Hooks(self.pipeline, self._writer.reaches, self._writer.writes_to)
        self._configuration = Configuration(self.pipeline)
        self._closed = False

    def fill(self) -> float:
        """Return how full the buffer for lines is, from 0 to 1."""
        return self._writer.fill()

    def install(self) -> None:
        """Make structlog and stdlib logging write here."""
        self._configuration.take()
        self._takeover.take()
        self._hooks.take()

    def _audit(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        # Whatever the levels are: a change that nobody can find out about is none that anybody should make.
        self.pipeline.tell(level, event, fields)

    def take_over(self) -> None:
        """Take over once more what was configured since: servers' loggers for a new start, or structlog."""
        if self._closed:  # An application may outlive its kit, and start again.
            return
        self._writer.reopen()
        self._takeover.take()
        self._configuration.take()

    def replace_access(self) -> None:
        """Leave out the access lines of servers from now on: there are canonical events. Never raises."""
        if self._closed or self._takeover.replaces_access:
            return
        self._handler.replaces_access = self._takeover.replaces_access = True
        try:
            self._takeover.take()
        except Exception as error:  # noqa: BLE001 -- a handler may be anything, and the application is built
            self.pipeline.failed(error)

    def flush(self, budget_seconds: float) -> None:
        """Write what waits; what is logged from now on is written at once, because the end may be near."""
        self.pipeline.tell_suppressed(all_of_them=True)
        self._writer.close(_before(budget_seconds))

    def close(self, budget_seconds: float) -> None:
        """Give logging back as it was, and write what waits for at most *budget_seconds*."""
        self._closed = True
        self.pipeline.tell_suppressed(all_of_them=True)
        self.changes.close()
        self._takeover.give_back()
        self._hooks.give_back()
        self._configuration.give_back()
        self.pipeline.retire()
        self._writer.close(_before(budget_seconds))


def _levels(config: Config) -> Levels:
    named = {name: _number(level) for name, level in config.log_levels.items()}
    hints: dict[str, int] = {}
    if config.otel_log_level is not None:
        hints = dict.fromkeys(_OTEL, _number(config.otel_log_level))
    return Levels(_number(config.log_level), named, hints)


def _limits(config: Config, counts: Counts) -> Limits | None:
    if not (config.log_limits or config.log_sampling):
        return None
    return Limits(config.log_limits, config.log_sampling, counts.suppressed)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _before(budget_seconds: float) -> float:
    """Return what to give a writer that looks at the clock only so often, and waits as long for itself."""
    return max(budget_seconds / 2, budget_seconds - 2 * PATIENCE_SECONDS)


def _descriptor() -> int | None:
    """Return the descriptor of standard output; none where the process was started without."""
    for stream in (sys.stdout, sys.__stdout__):
        if stream is None:
            return None
        # Closed, or replaced by something without a descriptor, such as a StringIO.
        with suppress(Exception):
            return stream.fileno()
    return None


def _encoder(config: Config, descriptor: int | None) -> Encode:
    terminal = False
    with suppress(OSError):
        terminal = descriptor is not None and os.isatty(descriptor)
    wanted = config.log_format
    if wanted == "auto":
        wanted = "console" if terminal else "json"
    if wanted == "console":
        colors = terminal if config.log_colors == "auto" else config.log_colors == "always"
        return Console(colors=colors)
    return logfmt if wanted == "logfmt" else encode
