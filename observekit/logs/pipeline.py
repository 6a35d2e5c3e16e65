"""The way of a record to a line: complete it, redact it, encode it, hand it to the writer; never raise."""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

import structlog
from structlog.contextvars import get_contextvars

from observekit.catalogue.events import LOGS_SUPPRESSED
from observekit.guard import Guard
from observekit.logs.chain import Chain
from observekit.logs.encoder import encode
from observekit.logs.fields import add_fields
from observekit.logs.flight import Recorder
from observekit.logs.given import level_of, name_of, taken_exception
from observekit.logs.levels import NUMBERS, Levels
from observekit.logs.limits import Limits, kind_of
from observekit.logs.names import PLAIN_EVENTS, PLAIN_LOGGERS, shown_event, shown_logger
from observekit.logs.prepared import PreparedEvent
from observekit.logs.record import Head, Record, described, stack_of, type_of
from observekit.logs.values import Cleaner

Encode = Callable[[Record], bytes]

# Source: the longest of 50 frames and 8 causes with ordinary paths, with room for as much again.
_EXCEPTION_BUDGET: Final = 32 * 1024
_URGENT: Final = frozenset({"error", "critical"})
# What structlog keeps of variables that were ever bound, anywhere; it is no part of its interface, so where
# there is none it is looked at the variables each time.
_BOUND: Final[Any] = getattr(structlog.contextvars, "_CONTEXT_VARS", True)
_ALL: Final = Levels(logging.NOTSET)
_SUPPRESSED: Final = "suppressed"


class Pipeline:
    """Turns what was logged into lines.

    Args:
        service: Name of the service, in every record.
        encode: Makes the line: JSON or console.
        write: Takes the line.
        count: Told the level of every record.
        guard: Takes what fails on the way.
        levels: From which level on the records of each logger are taken in; all of them unless given.
        urgent: Takes the line of an error; *write* unless given.
        limits: Keep records back, where somebody wants some to be.
    """

    __slots__ = (
        "_count",
        "_encode",
        "_flight",
        "_guard",
        "_head",
        "_levels",
        "_limits",
        "_retired",
        "_urgent",
        "_write",
        "chain",
        "export",
        "levels",
    )

    def __init__(  # noqa: PLR0913 -- what a line is made with, and where it goes
        self,
        service: str,
        encode: Encode,
        write: Callable[[bytes], None],
        count: Callable[[str], None],
        guard: Guard,
        levels: Levels = _ALL,
        *,
        urgent: Callable[[bytes], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._head = Head(service)
        # What is asked beforehand; a pipeline that is retired lets all through to the one after it.
        self._levels = self.levels = levels
        self._encode = encode
        self._write = write
        self._urgent = write if urgent is None else urgent
        self._limits = limits
        self._flight: Recorder | None = None
        # Takes records that are sent as well.
        self.export: Callable[[Record], None] | None = None
        self._count = count
        self._guard = guard
        self._retired = False
        # Processors of the user's own, where structlog was configured before.
        self.chain = Chain((), self.failed)

    def __call__(self, logger: object, method: str, event_dict: MutableMapping[str, Any]) -> str:
        """Be the one processor of structlog: write the record, and leave nothing to print."""
        # A wrapper class of the user's has asked nobody for the level.
        level = level_of(method)
        if self.wants(level, name_of(logger)) or self.keeps(NUMBERS[level]):
            self.take(logger, method, event_dict)
        raise structlog.DropEvent

    def __deepcopy__(self, memo: object) -> "Pipeline":
        """Return this one: a logger that is copied, as part of what holds it, logs to the same place."""
        return self

    def take(self, logger: object, method: str, event_dict: MutableMapping[str, Any]) -> None:
        """Write what structlog was given; never raises."""
        try:
            pipeline = self._successor() if self._retired else self
            level, name = level_of(method), name_of(logger)
            if self._retired and not (pipeline.wants(level, name) or pipeline.keeps(NUMBERS[level])):
                return
            # Read only where there may be some: it goes through all variables of the context.
            fields = {**get_contextvars(), **event_dict} if _BOUND else {**event_dict}
            if pipeline.chain:
                fields = pipeline.chained(logger, method, fields)
            event = fields.pop("event", "")
            error = taken_exception(fields)
            if fields.pop("stack_info", False):
                fields["stack"] = stack_of(sys._getframe(2))  # noqa: SLF001 -- as logging and structlog do
            pipeline.emit(level, event, fields, logger=name, error=error)
        except structlog.DropEvent:
            return
        except Exception as failure:  # noqa: BLE001 -- whatever a field does, the caller goes on
            self.failed(failure)

    def chained(self, logger: object, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return what the user's own processors make of *fields*."""
        made = dict(self.chain.run(logger, method, fields))
        if made.get("level") == level_of(method):
            del made["level"]  # From add_log_level, for those after it.
        return made

    def wants(self, level: str, logger: str) -> bool:
        """Whether records of *level* are taken in from *logger*; whoever calls emit() asks before."""
        return NUMBERS[level] >= self._levels.of(logger)

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
        kind: str | None = None,
    ) -> None:
        """Write one record, its *fields* redacted; never raises.

        Unless given, *ids* are those of the current span, *seconds*, in Unix time, are now, and *kind*, by
        which limits know the record, is the event.
        """
        try:
            if self._flight is not None and NUMBERS[level] < self._levels.of(logger):
                self._flight.keep(level, self._made((level, event, logger, seconds), fields, ids, error))
                return
            self._count(level)
            if self._limits is not None:
                ids = self._head.current_ids() if ids is None else ids
                told = self._admitted(level, kind_of(event) if kind is None else kind, ids)
                if told is None:
                    return
                fields = _with_suppressed(fields, told) if told else fields
            line, record = self._made((level, event, logger, seconds), fields, ids, error)
            (self._urgent if level in _URGENT else self._write)(line)
            if record is not None and self.export is not None:
                self.export(record)
        except Exception as failure:  # noqa: BLE001 -- whatever happens here, the caller goes on
            self.failed(failure)

    def _made(
        self,
        head: tuple[str, object, str, float | None],
        fields: Mapping[str, Any],
        ids: Mapping[str, str] | None,
        error: BaseException | None,
    ) -> tuple[bytes, Record | None]:
        """Return the line of a record, and the record if it is sent as well.

        *head* are its level, its event, its logger and its time.
        """
        level, event, logger, seconds = head
        try:
            cleaner = Cleaner()
            shown = event if type(event) is str and event in PLAIN_EVENTS else shown_event(event, cleaner)
            name = logger if logger in PLAIN_LOGGERS else shown_logger(logger)
            record = self._head.begin(level, shown, name, seconds)
            record.update(self._head.current_ids() if ids is None else ids)
            add_fields(record, fields, cleaner)
            if error is not None:
                record["exception"] = self.told(error)
            return self._encode(record), None if self.export is None else record
        except Exception as failure:  # noqa: BLE001 -- a line with little on it is better than none
            return self._stand_in(level, failure), None

    def keeps(self, number: int) -> bool:
        """Whether a record of this level, which is below that of its logger, is kept for its request."""
        return self._flight is not None and self._flight.keeps(number)

    def record_flights(self, level: int, slow_seconds: float, limit_bytes: int) -> Recorder:
        """Keep records of requests from *level* on, as Recorder does, and return what keeps them."""
        self._flight = Recorder(level, slow_seconds, limit_bytes, self._write_after_all)
        return self._flight

    def _write_after_all(self, level: str, made: tuple[bytes, Record | None]) -> None:
        line, record = made
        self._count(level)
        self._write(line)
        if record is not None and self.export is not None:
            self.export(record)

    def tell(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        """Write a record of our own, whatever the levels and the limits are; never raises."""
        try:
            made = self._made((level, event, "observekit", None), fields, {}, None)
            self._write_after_all(level, made)
        except Exception as failure:  # noqa: BLE001 -- as above
            self.failed(failure)

    def _admitted(self, level: str, kind: str, ids: Mapping[str, str]) -> int | None:
        """Return how many records of *kind* were kept back before this one; ``None`` if this one is."""
        if self._limits is None or level in _URGENT:
            return 0
        self.tell_suppressed()
        return self._limits.admit(kind, ids.get("trace_id"))

    def tell_suppressed(self, *, all_of_them: bool = False) -> None:
        """Write what was kept back of events of which no record says so any more."""
        if self._limits is None:
            return
        for kind, count in self._limits.untold(all_of_them=all_of_them):
            self.tell("warning", LOGS_SUPPRESSED.name, {"suppressed_event": kind, "suppressed": count})

    def _stand_in(self, level: str, failure: Exception) -> bytes:
        self.failed(failure)
        return self.line(level, "observekit.record_failed", {"observekit": type_of(failure)})

    def prepare(
        self, level: str, event: str, logger: str, constants: Mapping[str, Any], further: str
    ) -> PreparedEvent | None:
        """Return what writes *event* with the same fields each time, ``None`` where that may not be so.

        *further* is how the other fields stand in a line, as PreparedEvent takes them.
        """
        limited = self._limits is not None and self._limits.concern(event)
        if limited or self.export is not None or self._encode is not encode:
            return None
        write = self._urgent if level in _URGENT else self._write
        return PreparedEvent(
            self._head, level, event, logger, constants, further, write=write, count=self._count
        )

    def further(self, fields: Mapping[str, Any]) -> str:
        """Return *fields*, redacted, as they stand in a line of JSON, with a comma in front."""
        record: Record = {}
        add_fields(record, fields, Cleaner())
        return f",{encode(record)[1:-2].decode()}" if record else ""

    def line(self, level: str, event: str, fields: Mapping[str, Any]) -> bytes:
        """Return a record of our own as a line, for whoever writes it himself."""
        return self._encode(self._head.begin(level, event, "observekit") | dict(fields))

    def failed(self, failure: BaseException) -> None:
        """Count what failed on the way of a record; never raises."""
        try:  # noqa: SIM105 -- suppress() needs a frame, and there may be none left
            self._guard.failed("logs", failure)
        except Exception:  # noqa: BLE001, S110 -- as said
            pass

    def retire(self) -> None:
        """Leave records to the next one, and to its levels: loggers in use keep coming to this one."""
        self._retired = True
        self.levels = _ALL

    def _successor(self) -> "Pipeline":
        chain = structlog.get_config()["processors"]
        return chain[0] if chain and isinstance(chain[0], Pipeline) else self

    def told(self, error: BaseException) -> object:
        """Return *error* as it stands in a record, without secrets."""
        try:
            return Cleaner(_EXCEPTION_BUDGET).field("exception", described(error))
        except Exception as failure:  # noqa: BLE001 -- an exception's attributes are the user's code
            self.failed(failure)
            return {"type": type(error).__name__, "message": "<cannot be described>", "frames": []}


def _with_suppressed(fields: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return *fields* with our own count of what was kept back; one of that name is kept under another."""
    own = {f"{_SUPPRESSED}_" if key == _SUPPRESSED else key: value for key, value in fields.items()}
    return own | {_SUPPRESSED: count}
