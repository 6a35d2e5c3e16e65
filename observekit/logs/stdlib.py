"""stdlib logging as a source of the same records."""

import logging
from typing import Any, Final

from structlog.contextvars import get_contextvars

from observekit.logs.bound import level_name
from observekit.logs.known import is_access_line, reshaped
from observekit.logs.limits import kind_of
from observekit.logs.pipeline import Pipeline
from observekit.logs.record import exception_of, message_of

# What a LogRecord has by itself, some of it only after formatting; all else on one came in as extra=.
_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "color_message",
}
_STANDARD: Final = frozenset(
    {logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL},
)


class RecordHandler(logging.Handler):
    """Hands stdlib records to the pipeline, from the level of their logger on, whatever its own is.

    Attributes:
        replaces_access: Whether access lines that servers write with other loggers' names are left out.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self._pipeline = pipeline
        self.replaces_access = False

    def handle(self, record: logging.LogRecord) -> bool:
        """Write one record that passes the filters of this handler.

        Without its lock: nothing here needs one, and the values of a record are shown meanwhile.
        """
        # Since Python 3.12 a filter may return another record.
        passed: Any = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; never raises."""
        try:
            name = message_of(record.name)
            below = record.levelno < self._pipeline.levels.of(name)
            if below and not self._pipeline.keeps(record.levelno):
                return
            event, fields = _read(record)
            if self.replaces_access and is_access_line(name, event):
                return
            said = reshaped(name, event, exception_of(record.exc_info), fields)
            if said is None:
                return
            event, error = said
            self._pipeline.emit(
                level_name(record.levelno),
                event,
                fields,
                logger=name,
                error=error,
                seconds=record.created,
                # Without its arguments, which make of one message as many as there are values.
                kind=kind_of(record.msg),
            )
        except Exception as error:  # noqa: BLE001 -- whatever a record is made of, the caller goes on
            self._pipeline.failed(error)


def _read(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    fields = get_contextvars()
    fields.update((key, value) for key, value in record.__dict__.items() if key not in _OWN)
    if record.levelno not in _STANDARD:
        _add(fields, "level_name", record.levelname)
    if record.stack_info:
        _add(fields, "stack", record.stack_info.splitlines())
    if record.exc_text and not record.exc_info:
        # From a queue handler, which cannot send exceptions.
        _add(fields, "exception_text", record.exc_text)
    return _message(record, fields), fields


def _add(fields: dict[str, Any], key: str, value: object) -> None:
    """Add what the record has of its own, beside whatever the application has under that name."""
    while key in fields:
        key = f"{key}_"
    fields[key] = value


def _message(record: logging.LogRecord, fields: dict[str, Any]) -> str:
    try:
        # uvicorn ends its message about an exception with a newline.
        return record.getMessage().rstrip("\n")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 -- the message and its arguments are the user's objects
        _add(fields, "arguments", record.args)
        return message_of(record.msg)
