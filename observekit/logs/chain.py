"""What users' own processors of structlog do to a record, before it becomes a line of ours."""

from collections.abc import Callable, Iterable, MutableMapping
from copy import copy
from typing import Any, Final

import structlog
from structlog import contextvars, dev, processors, stdlib

Processor = Callable[..., Any]
Fields = MutableMapping[str, Any]

# What the pipeline does by itself, or what renders: levels, names, times, exceptions, the text of the line.
_FUNCTIONS: Final = (
    contextvars.merge_contextvars,
    dev.set_exc_info,
    stdlib.add_logger_name,
    stdlib.filter_by_level,
    stdlib.render_to_log_args_and_kwargs,
    stdlib.render_to_log_kwargs,
    stdlib.ProcessorFormatter.remove_processors_meta,
    stdlib.ProcessorFormatter.wrap_for_formatter,
)
_CLASSES: Final = (
    dev.ConsoleRenderer,
    processors.EventRenamer,
    processors.ExceptionPrettyPrinter,
    processors.ExceptionRenderer,
    processors.JSONRenderer,
    processors.KeyValueRenderer,
    processors.LogfmtRenderer,
    processors.MaybeTimeStamper,
    processors.StackInfoRenderer,
    processors.TimeStamper,
    processors.UnicodeEncoder,
    stdlib.ExtraAdder,
    stdlib.PositionalArgumentsFormatter,
)
_FRAMES_OF_OURS: Final = "observekit.logs"


def own_processors(configured: Iterable[Processor]) -> tuple[Processor, ...]:
    """Return what of a *configured* chain is the user's own: all but its renderer and what we do ourselves.

    The last of a chain is its renderer, whatever it is.
    """
    return tuple(_unlost(one) for one in tuple(configured)[:-1] if not _is_done_by_us(one))


class Chain:
    """Runs processors; one that fails costs its own work, and nothing else."""

    __slots__ = ("_failed", "_processors")

    def __init__(self, own: tuple[Processor, ...], failed: Callable[[Exception], object]) -> None:
        self._processors = own
        self._failed = failed

    def __bool__(self) -> bool:
        return bool(self._processors)

    def run(self, logger: object, method: str, fields: Fields) -> Fields:
        """Return what the processors make of *fields*.

        Raises:
            DropEvent: If one of them wants the record left out.
        """
        for processor in self._processors:
            try:
                made = processor(logger, method, fields)
            except structlog.DropEvent:
                raise
            except Exception as error:  # noqa: BLE001 -- a processor is the user's code
                self._failed(error)
                continue
            if isinstance(made, MutableMapping):  # Not what is rendered too early.
                fields = made
        return fields


def _is_done_by_us(processor: Processor) -> bool:
    # Compared one by one: a processor may have no hash.
    return isinstance(processor, _CLASSES) or any(processor is one for one in _FUNCTIONS)


def _unlost(processor: Processor) -> Processor:
    """Have what looks for the place of a call look past our frames too, as past those of structlog."""
    ignored = getattr(processor, "_additional_ignores", None)
    if not isinstance(processor, processors.CallsiteParameterAdder) or not isinstance(ignored, list):
        return processor
    other = copy(processor)
    other._additional_ignores = [*ignored, _FRAMES_OF_OURS]  # noqa: SLF001 -- there is no other way to it
    return other
