"""Trace ids for users who keep their own logging: on stdlib records, and in structlog's chain."""

import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

import structlog

from observekit.guard import Guard
from observekit.logs.fields import add_fields
from observekit.logs.levels import NUMBERS
from observekit.logs.logfmt import logfmt
from observekit.logs.prepared import PreparedEvent
from observekit.logs.record import Head, Record
from observekit.logs.values import Cleaner

_IDS: Final = frozenset({"trace_id", "span_id", "trace_flags"})
_NO_ID: Final = "-"
# Names that a record has of its own: logging raises where extra= brings one of them.
_TAKEN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime"}

# What the methods of structlog's loggers take by themselves.
_ARGUMENTS: Final = frozenset({"event", "exc_info", "method_name", "self", "stack_info"})

Count = Callable[[str], None]


class Correlation:
    """Adds the ids of the current span to records of others, and hands them our own events.

    Nothing of the user's is replaced: no handler, no level, no stream.

    Attributes:
        pipeline: Where our own events go: the user's structlog if it is configured, else his logging.
    """

    __slots__ = ("_closed", "_factory", "_head", "_ours", "pipeline")

    def __init__(self, service: str, count: Count, guard: Guard) -> None:
        self._head = Head(service)
        self._ours = self._made
        self._factory: Callable[..., logging.LogRecord] | None = None
        self._closed = False
        self.pipeline = Relay(self._head, count, guard)

    def install(self) -> None:
        """Begin to add ids."""
        self._factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._ours)
        self.take_over()

    def take_over(self) -> None:
        """Join structlog's chain, again if it was configured anew since."""
        chain = structlog.get_config()["processors"]
        if self._closed or self.add_ids in chain:
            return
        if isinstance(chain, list):
            # In place, so that loggers in use have it too; before the last, which renders.
            chain.insert(len(chain) - 1, self.add_ids)
        elif isinstance(chain, Sequence):
            structlog.configure(processors=[*chain[:-1], self.add_ids, *chain[-1:]])

    def flush(self, budget_seconds: float) -> None:
        """Do nothing: what the user's logging writes is written by it."""

    def close(self, budget_seconds: float) -> None:  # noqa: ARG002 -- as other parts have it
        """Leave records as they are from now on."""
        self._closed = True
        if self._factory is not None and logging.getLogRecordFactory() is self._ours:
            logging.setLogRecordFactory(self._factory)
        chain = structlog.get_config()["processors"]
        if isinstance(chain, list) and self.add_ids in chain:
            chain.remove(self.add_ids)

    def add_ids(self, logger: object, method: str, fields: MutableMapping[str, Any]) -> Any:  # noqa: ARG002 -- structlog's
        """Add the ids of the current span, as a processor; a field of the application's stays."""
        if not self._closed:
            for key, text in self._head.current_ids().items():
                fields.setdefault(key, text)
        return fields

    def _made(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Make a record as before, with ids."""
        make = logging.LogRecord if self._factory is None else self._factory
        record = make(*args, **kwargs)
        try:
            if not self._closed:
                record.__dict__ = _Attributes({**record.__dict__, **self._head.current_ids()})
        except Exception as error:  # noqa: BLE001 -- a record of a user's own may refuse
            self.pipeline.failed(error)
        return record


class _Attributes(dict[str, Any]):
    """Attributes of a record, among which an id of the application's own may take the place of ours.

    Logging refuses fields that are there already, and would raise where ours are in the way. Where a format
    has ``%(trace_id)s``, a record outside of any span has ``-`` for it.
    """

    def __contains__(self, key: object) -> bool:
        return key not in _IDS and super().__contains__(key)

    def __missing__(self, key: str) -> str:
        if key in _IDS:
            return _NO_ID
        raise KeyError(key)

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        # Whoever gets it in another process needs nothing of ours.
        return dict, (dict(self),)


class Relay:
    """Hands events of our own to the user's logging."""

    __slots__ = ("_count", "_guard", "_head")

    def __init__(self, head: Head, count: Count, guard: Guard) -> None:
        self._head = head
        self._count = count
        self._guard = guard

    def wants(self, level: str, logger: str) -> bool:
        """Whether the user's logging takes such records."""
        return structlog.is_configured() or logging.getLogger(logger).isEnabledFor(NUMBERS[level])

    def emit(
        self,
        level: str,
        event: str,
        fields: Mapping[str, Any],
        *,
        logger: str = "observekit",
        ids: Mapping[str, str] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Log one event, its *fields* redacted; never raises."""
        try:
            self._count(level)
            record: Record = {}
            add_fields(record, fields, Cleaner())
            record |= self._head.current_ids() if ids is None else ids
            if structlog.is_configured():
                named = _renamed(record, _ARGUMENTS)
                getattr(structlog.get_logger(logger), level)(event, exc_info=error, **named)
                return
            extra = _renamed(record, _TAKEN)
            text = logfmt({key: value for key, value in record.items() if key not in _IDS}).decode().strip()
            logging.getLogger(logger).log(NUMBERS[level], "%s %s", event, text, extra=extra, exc_info=error)
        except Exception as failure:  # noqa: BLE001 -- the user's logging may be anything, and the caller goes on
            self.failed(failure)

    def prepare(self, *args: object) -> PreparedEvent | None:  # noqa: ARG002 -- as the pipeline has it
        """Return nothing: what a line looks like is not ours to know."""
        return None

    def further(self, fields: Mapping[str, Any]) -> str:  # noqa: ARG002 -- as the pipeline has it
        """Return nothing, because nothing is prepared."""
        return ""

    def failed(self, failure: BaseException) -> None:
        """Count what failed."""
        self._guard.failed("logs", failure)


def _renamed(record: Record, taken: frozenset[str]) -> Record:
    """Return *record* with other names in the place of those that are *taken*."""
    return {f"{key}_" if key in taken else key: value for key, value in record.items()}
