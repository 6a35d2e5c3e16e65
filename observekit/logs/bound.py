"""structlog's own loggers, as they are used, with methods that never raise and never wait."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import structlog

from observekit.logs.pipeline import Pipeline

Say = Callable[..., None]
Method = Callable[..., None]

_NUMBERS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "msg": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
_PRINTING: Final = frozenset({*_NUMBERS, "exception", "failure", "log"})


class NamedLogger:
    """What structlog wraps: it knows its name, and the pipeline does the rest.

    A chain that was configured after ours, and renders by itself, says here what it made.
    """

    __slots__ = ("_say", "name")

    def __init__(self, say: Say, *args: object) -> None:
        self.name = str(args[0]) if args and args[0] is not None else ""
        self._say = say

    def __getattr__(self, name: str) -> Method:
        if name not in _PRINTING:
            raise AttributeError(name)
        return partial(self._say, self, name)


def say(pipeline: Pipeline, logger: object, method: str, /, *args: object, **fields: object) -> None:
    """Write what another chain rendered: a text, or the fields it left."""
    event = {"event": args[0]} if args else {}
    pipeline.take(logger, method, {**fields, **event})


def bound_logger(pipeline: Pipeline) -> type[Any]:
    """Return a wrapper class for structlog that leaves out what is below the level of its logger.

    Its methods differ from structlog's in what they do with mistakes: a message that does not fit its
    arguments, a field called ``event`` or ``self`` and a chain that raises cost the record at most.
    """
    methods: dict[str, Any] = {name: _method(name, number, pipeline) for name, number in _NUMBERS.items()}
    methods["exception"] = _exception(methods["error"])
    methods["log"] = _log(methods)
    methods |= {f"a{name}": _awaitable(method) for name, method in methods.items()}
    methods["get_effective_level"] = lambda self: _level_of(self, pipeline)
    methods["__getattr__"] = _of_stdlib
    methods["is_enabled_for"] = lambda self, level: level >= _level_of(self, pipeline)
    return type("BoundLogger", (structlog.make_filtering_bound_logger(logging.NOTSET),), methods)


def level_name(number: object) -> str:
    """Return the standard level that *number* belongs to: its own, or the next one below."""
    if not isinstance(number, int) or number < logging.INFO:
        return "debug"
    names = ("info", "warning", "error", "critical")
    return names[min((number - logging.INFO) // 10, 3)]


def _level_of(bound: Any, pipeline: Pipeline) -> int:
    return pipeline.levels.of(getattr(bound._logger, "name", ""))  # noqa: SLF001 -- a method of its class


def _of_stdlib(self: Any, name: str) -> Any:
    """Return what a logger of logging has, such as ``isEnabledFor``; as structlog's own does for logging."""
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(logging.getLogger(getattr(self._logger, "name", "") or None), name)


def _method(name: str, number: int, pipeline: Pipeline) -> Method:
    def method(self: Any, event: object = None, /, *args: object, **fields: Any) -> None:
        try:
            # Asked each time: a logger that is in use keeps its class when its level changes.
            levels = pipeline.levels
            below = number < levels.lowest or number < levels.of(getattr(self._logger, "name", ""))
            if below and not pipeline.keeps(number):
                return
            if args:
                event = _formatted(event, args, fields)
            if event is not None:
                if "event" in fields:
                    fields["event_"] = fields.pop("event")
                fields["event"] = event
            _through(self._processors, self._logger, name, {**self._context, **fields})
        except structlog.DropEvent:
            return
        except Exception as error:  # noqa: BLE001 -- whatever is logged, the caller goes on
            pipeline.failed(error)

    method.__name__ = name
    return method


def _through(processors: Any, logger: Any, name: str, fields: Any) -> None:
    first = processors[0] if processors else None
    if isinstance(first, Pipeline):
        first.take(logger, name, fields)
        return
    # Somebody configured another chain after ours, as structlog's capture_logs() does.
    for processor in processors:
        fields = processor(logger, name, fields)
    printed = getattr(logger, name)
    if isinstance(fields, Mapping):
        printed(**fields)
    elif isinstance(fields, tuple):
        printed(*fields[0], **fields[1])
    else:
        printed(fields)


def _formatted(event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> object:
    try:
        return event % (args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 -- the message does not fit, or an argument cannot be shown
        fields["arguments"] = args
        return event


def _exception(error: Method) -> Method:
    def exception(self: Any, event: object = None, /, *args: object, **fields: Any) -> None:
        fields.setdefault("exc_info", True)
        error(self, event, *args, **fields)

    return exception


def _log(methods: Mapping[str, Method]) -> Method:
    def log(self: Any, /, *args: object, **fields: Any) -> None:
        level, *rest = args or (fields.pop("level", logging.INFO),)
        methods[level_name(level)](self, *rest, **fields)

    return log


def _awaitable(method: Method) -> Callable[..., Awaitable[None]]:
    async def awaitable(self: Any, *args: object, **fields: Any) -> None:
        # Not in a thread as structlog does it: the method does not wait for anything.
        method(self, *args, **fields)

    return awaitable
