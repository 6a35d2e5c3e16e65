"""One handler in the place of all that print to the console, and everything back as it was."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final, NamedTuple

from observekit.logs.handlers import Borrowed, prints
from observekit.logs.levels import Levels

# Loggers whose only use is the access line, which the canonical event replaces, where there is one.
_ACCESS: Final = ("uvicorn.access", "gunicorn.access", "hypercorn.access", "granian.access")
# Loggers that servers write to; they may be configured after us, and before the application starts.
_SERVERS: Final = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.asgi",
    "gunicorn.error",
    "hypercorn.error",
    "_granian",
)
# Clients that write a line for each request they send, with its whole URL. Its span has no such secrets,
# and failed exports have an event of ours, once a minute. A level that somebody has set is his.
_CHATTY: Final = {"httpx": logging.WARNING, "opentelemetry.exporter.otlp": logging.CRITICAL}


class _State(NamedTuple):
    handlers: tuple[logging.Handler, ...]
    propagate: bool
    level: int


class _Change(NamedTuple):
    before: _State
    left: _State


class Passing(logging.Filter):
    """Lets through what would pass if the root logger had *level*, which it has not while all is recorded."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether somebody but the recorder wants this record."""
        if record.levelno >= self._level:
            return True
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger.level == logging.NOTSET:
            logger = logger.parent
        # One with a level of its own has let it through because it is to be heard.
        return logger is not None and logger.parent is not None


class Takeover:
    """Puts one handler in the place of every handler that prints to the console.

    Handlers that write elsewhere, to files or to services, stay as they are.

    Args:
        handler: Takes the records.
        levels: What the levels of loggers are set to; other handlers get what passes them.
        failed: Told what goes wrong when the console is taken over in the middle of a record.
        recorded: Level from which on records are kept for a request, where some are; other handlers do not
            get them.
        aside: Within it, levels of loggers are their owners', and none is there for a while only.

    Attributes:
        replaces_access: Whether there are canonical events, so that access lines say nothing new.
    """

    __slots__ = (
        "_aside",
        "_changes",
        "_failed",
        "_handler",
        "_levels",
        "_passing",
        "_recorded",
        "replaces_access",
    )

    def __init__(
        self,
        handler: logging.Handler,
        levels: Levels,
        failed: Callable[[Exception], object],
        recorded: int | None = None,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._handler = handler
        self._aside = aside
        self.replaces_access = False
        self._levels = levels
        self._failed = failed
        self._recorded = recorded
        self._passing: Passing | None = None
        self._changes: dict[logging.Logger, _Change] = {}

    def take(self) -> None:
        """Take the console over; once more after a server has configured its loggers."""
        with self._aside():
            self._take()

    def _take(self) -> None:
        root = logging.getLogger()
        self._borrow([handler for handler in root.handlers if prints(handler)])
        others = [
            handler for handler in root.handlers if handler is not self._handler and not prints(handler)
        ]
        # Ours filters by itself; the others may want more than ours does.
        level = min(root.level, self._levels.least) if others else self._levels.least
        if self._recorded is not None:
            level = self._record(others, level)
        self._change(root, _State((*others, self._handler), root.propagate, level))
        for logger in _known_loggers():
            self._quiet(logger)
        if self.replaces_access:
            self._silence_access()
        for name in (*_ACCESS, *_SERVERS):
            logging.getLogger(name).addFilter(self._arrive)
        self._set_levels()

    def _silence_access(self) -> None:
        for name in _ACCESS:
            access = logging.getLogger(name)
            # Without a handler in reach uvicorn does not even format the line.
            kept = tuple(one for one in access.handlers if one is not self._handler and not prints(one))
            self._change(access, _State(kept, False, access.level))  # noqa: FBT003 -- named by its place

    def _record(self, others: list[logging.Handler], level: int) -> int:
        """Return the level that lets through what is recorded, and keep that from *others*."""
        if self._passing is None:
            self._passing = Passing(level)
        for handler in others:
            handler.addFilter(self._passing)  # Once, however often.
        return level if self._recorded is None else min(self._recorded, level)

    def give_back(self) -> None:
        """Restore what was changed, and leave what others have changed since."""
        for handler in logging.getLogger().handlers:
            if self._passing is not None:
                handler.removeFilter(self._passing)
        for name in (*_SERVERS, *_ACCESS):
            logging.getLogger(name).removeFilter(self._arrive)
        for borrowed in [one for one in self._handler.filters if isinstance(one, Borrowed)]:
            self._handler.removeFilter(borrowed)
        for logger, change in self._changes.items():
            self._restore(logger, change)
        self._changes.clear()

    def _borrow(self, replaced: list[logging.Handler]) -> None:
        """Keep what filters of *replaced* handlers add to records, such as ids of the application's own."""
        known = [one.filter_of_theirs for one in self._handler.filters if isinstance(one, Borrowed)]
        for one in [one for handler in replaced for one in handler.filters]:
            if not any(one is other for other in known):
                self._handler.addFilter(Borrowed(one, self._failed, alone=len(replaced) == 1))

    def _set_levels(self) -> None:
        """Set levels that were given by name, and those of loggers that nobody has given one."""
        found = {
            name: logging.getLogger(name) for name in (*_CHATTY, *self._levels.hints, *self._levels.named)
        }
        wanted = {**_CHATTY, **self._levels.hints}
        wanted = {name: level for name, level in wanted.items() if found[name].level == logging.NOTSET}
        for name, level in {**wanted, **self._levels.named}.items():
            self._change(found[name], _state(found[name])._replace(level=level))

    def _arrive(self, record: logging.LogRecord) -> bool:
        """Look, as a filter, whether a server was configured since, as uvicorn.run() does."""
        try:
            logger = logging.getLogger(record.name)
            if self._is_printed(logger) or not (record.name in _ACCESS or self._reaches(logger)):
                self.take()
        except Exception as error:  # noqa: BLE001 -- a handler may be anything, and the server goes on
            self._failed(error)
        return True

    def _quiet(self, logger: logging.Logger) -> None:
        if not any(map(prints, logger.handlers)):
            return
        kept = tuple(handler for handler in logger.handlers if not prints(handler))
        inherited = logger.propagate and logger.parent is not None and self._reaches(logger.parent)
        ours = () if inherited or self._handler in kept else (self._handler,)
        self._change(logger, _State((*kept, *ours), logger.propagate, logger.level))

    def _reaches(self, logger: logging.Logger | None) -> bool:
        """Whether our handler sees the records of *logger*."""
        while logger is not None:
            if self._handler in logger.handlers:
                return True
            logger = logger.parent if logger.propagate else None
        return False

    def _is_printed(self, logger: logging.Logger | None) -> bool:
        """Whether another handler than ours prints the records of *logger*."""
        while logger is not None:
            if any(handler is not self._handler and prints(handler) for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False

    def _change(self, logger: logging.Logger, wanted: _State) -> None:
        now = _state(logger)
        if now == wanted:
            return
        before = self._before(logger, now)
        logger.handlers[:] = wanted.handlers
        logger.propagate = wanted.propagate
        if logger.level != wanted.level:
            logger.setLevel(wanted.level)
        self._changes[logger] = _Change(before, wanted)

    def _before(self, logger: logging.Logger, now: _State) -> _State:
        """Return what to restore: what was found first, with what others have done to it since."""
        change = self._changes.get(logger)
        own = (self._handler,)
        if change is None or (self._handler in change.left.handlers and self._handler not in now.handlers):
            # The first time, or configured anew by somebody who threw out what was there.
            return now._replace(handlers=tuple(one for one in now.handlers if one not in own))
        added = tuple(one for one in now.handlers if one not in change.left.handlers and one not in own)
        return _State(
            (*change.before.handlers, *added),
            change.before.propagate if now.propagate == change.left.propagate else now.propagate,
            change.before.level if now.level == change.left.level else now.level,
        )

    def _restore(self, logger: logging.Logger, change: _Change) -> None:
        now = _state(logger)
        thrown_out = self._handler in change.left.handlers and self._handler not in now.handlers
        if not thrown_out:
            removed = [one for one in change.left.handlers if one not in now.handlers]
            kept = [one for one in change.before.handlers if one not in removed]
            added = [one for one in now.handlers if one not in kept and one is not self._handler]
            logger.handlers[:] = [*kept, *added]
        if now.propagate == change.left.propagate:
            logger.propagate = change.before.propagate
        if now.level == change.left.level and now.level != change.before.level:
            logger.setLevel(change.before.level)


def _state(logger: logging.Logger) -> _State:
    return _State(tuple(logger.handlers), logger.propagate, logger.level)


def _known_loggers() -> Iterator[logging.Logger]:
    """Yield every logger that exists, parents before their children."""
    for _, logger in sorted(dict(logging.Logger.manager.loggerDict).items()):
        if isinstance(logger, logging.Logger):
            yield logger
