"""The way of a record to a line: complete it, redact it, encode it, hand it to the writer; never raise."""

import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

import structlog

from observekit.guard import Guard
from observekit.logs.record import Record, begin, current_ids, described, exception_of
from observekit.redaction import redact

Encode = Callable[[Record], bytes]

# Keys that the record has of its own; a field of that name is kept under another.
_RESERVED: Final = frozenset(
    {"timestamp", "level", "event", "logger", "service", "trace_id", "span_id", "trace_flags", "exception"}
)
_NAMES: Final = {"warn": "warning", "exception": "error", "fatal": "critical", "msg": "info", "log": "info"}


class Pipeline:
    """Turns what was logged into lines.

    Args:
        service: Name of the service, in every record.
        encode: Makes the line: JSON or console.
        write: Takes the line.
        count: Told the level of every record.
        guard: Takes what fails on the way.
    """

    __slots__ = ("_count", "_encode", "_guard", "_service", "_write")

    def __init__(
        self,
        service: str,
        encode: Encode,
        write: Callable[[bytes], None],
        count: Callable[[str], None],
        guard: Guard,
    ) -> None:
        self._service = service
        self._encode = encode
        self._write = write
        self._count = count
        self._guard = guard

    def __call__(self, logger: object, method: str, event_dict: MutableMapping[str, Any]) -> str:
        """Be the one processor of structlog: write the record, and leave nothing to print."""
        try:
            self._from_structlog(getattr(logger, "name", ""), method, event_dict)
        except Exception as error:  # noqa: BLE001 -- whatever a field does, the caller goes on
            self._guard.failed("logs", error)
        raise structlog.DropEvent

    def emit(  # noqa: PLR0913 -- one for each fact of a record, all but three by name
        self,
        level: str,
        event: object,
        fields: Mapping[str, Any],
        *,
        logger: str = "observekit",
        ids: Mapping[str, str] | None = None,
        error: BaseException | None = None,
        seconds: float | None = None,
    ) -> None:
        """Write one record; never raises.

        Args:
            level: Name of the level in lower case.
            event: What happened, as a name or a message.
            fields: Everything else; redacted here.
            logger: Name of the logger.
            ids: Ids of the trace; those of the current span unless given.
            error: Exception to describe.
            seconds: Unix time of the event; now unless given.
        """
        try:
            self._count(level)
            record = begin(level, event, logger, self._service, seconds)
            record["event"] = redact("event", event)
            record.update(current_ids() if ids is None else ids)
            for key, value in fields.items():
                name = key if key not in record and key not in _RESERVED else f"{key}_"
                record[name] = redact(name, value)
            if error is not None:
                record["exception"] = redact("", described(error))
            self._write(self._encode(record))
        except Exception as failure:  # noqa: BLE001 -- whatever a field does, the caller goes on
            self._guard.failed("logs", failure)

    def line(self, level: str, event: str, fields: Mapping[str, Any]) -> bytes:
        """Return a record of our own as a line, for whoever writes it himself."""
        return self._encode(begin(level, event, "observekit", self._service) | dict(fields))

    def _from_structlog(self, name: str, method: str, event_dict: MutableMapping[str, Any]) -> None:
        fields = {**structlog.contextvars.get_contextvars(), **event_dict}
        event = fields.pop("event", "")
        error = _taken_exception(fields)
        fields.pop("stack_info", None)
        self.emit(_NAMES.get(method, method), event, fields, logger=name or "structlog", error=error)


def _taken_exception(fields: MutableMapping[str, Any]) -> BaseException | None:
    """Take ``exc_info`` out of *fields* and return the exception it means."""
    given = fields.pop("exc_info", None)
    return sys.exception() if given is True else exception_of(given)
