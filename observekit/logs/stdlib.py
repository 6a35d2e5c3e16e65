"""stdlib logging as a source of the same records."""

import logging
import re
from typing import Any, Final

from structlog.contextvars import get_contextvars

from observekit.logs.bound import level_name
from observekit.logs.pipeline import Pipeline
from observekit.logs.record import exception_of, message_of, type_of
from observekit.logs.takeover import SERVERS
from observekit.logs.told import told_with

# What a LogRecord has by itself, some of it only after formatting; all else on one came in as extra=.
_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "color_message",
}
# uvicorn shows the whole target of a WebSocket, of which the query is nobody's business.
_QUERY: Final = re.compile(r"(?<=[^\s?])\?[^\s\"]+")
_STANDARD: Final = frozenset(
    {logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL},
)


class RecordHandler(logging.Handler):
    """Hands stdlib records to the pipeline."""

    def __init__(self, pipeline: Pipeline, level: int) -> None:
        super().__init__(level)
        self._pipeline = pipeline

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
            event, fields = _read(record)
            error = exception_of(record.exc_info)
            ids = None
            if record.name in SERVERS:
                event = _QUERY.sub("", event)
                ids = None if error is None else told_with(error)
            if ids is not None and error is not None:
                # The canonical event of the request has the whole of it.
                fields["exception_type"], error = type_of(error), None
            self._pipeline.emit(
                level_name(record.levelno),
                event,
                fields,
                logger=message_of(record.name),
                ids=ids,
                error=error,
                seconds=record.created,
            )
        except Exception as error:  # noqa: BLE001 -- whatever a record is made of, the caller goes on
            self._pipeline.failed(error)


def _read(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    fields = get_contextvars()
    fields.update((key, value) for key, value in record.__dict__.items() if key not in _OWN)
    if record.levelno not in _STANDARD:
        fields["level_name"] = record.levelname
    if record.stack_info:
        fields["stack"] = record.stack_info.splitlines()
    if record.exc_text and not record.exc_info:
        # From a queue handler, which cannot send exceptions.
        fields["exception_text"] = record.exc_text
    return _message(record, fields), fields


def _message(record: logging.LogRecord, fields: dict[str, Any]) -> str:
    try:
        # uvicorn ends its message about an exception with a newline.
        return record.getMessage().rstrip("\n")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 -- the message and its arguments are the user's objects
        fields["arguments"] = record.args
        return message_of(record.msg)
