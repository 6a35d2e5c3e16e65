"""operation(): one call gives a span, a duration by outcome, and fields on the canonical event."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from time import time
from types import TracebackType
from typing import Any, Final, TypeVar

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind
from opentelemetry.util.types import AttributeValue

from observekit.catalogue.events import OPERATION
from observekit.catalogue.operations import OPERATION_DURATION
from observekit.errors import ConfigError
from observekit.operations.generators import wrapped_async_generator, wrapped_generator
from observekit.operations.run import LEVELS, Ended, Run, Work
from observekit.operations.signals import Signals, attributes_of

Function = TypeVar("Function", bound=Callable[..., Any])
Label = str | int | bool

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TAKEN: Final = frozenset({*OPERATION_DURATION.labels, "le", "quantile", "job", "instance"})
_MOST_LABELS: Final = 8
# What the event has of its own; a field of such a name gets another ending.
_OWN_FIELDS: Final = frozenset(OPERATION.fields)
_LOGGER: Final = "observekit.operations"


class Operation:
    """A part of a request or job, or a job of its own, that is worth a span and a duration.

    A context manager, and a decorator of functions, coroutine functions, generators and asynchronous
    generators. It never changes what the code in it returns or raises.
    """

    __slots__ = (
        "_attributes",
        "_context",
        "_fields",
        "_labels",
        "_links",
        "_name",
        "_open",
        "_signals",
        "_wrong",
    )

    def __init__(
        self,
        name: str,
        labels: Mapping[str, Label],
        fields: Mapping[str, object],
        signals: Callable[[], Signals | None],
        wrong: str | None = None,
    ) -> None:
        self._name = name
        self._signals = signals
        self._open: list[Run | None] = []
        self._context: Context | None = None
        self._links: Sequence[Link] = ()
        self._attributes: dict[str, AttributeValue] | None = None
        mislabelled = _problem(tuple(map(str, labels)))
        self._wrong = mislabelled or wrong
        known = {} if mislabelled else {key: _shown(value) for key, value in labels.items()}
        self._labels: dict[str, str] = known
        # Labels that cannot be labels are still facts.
        self._fields: dict[str, object] = {**(labels if mislabelled else known), **fields}

    def __enter__(self) -> Span:
        """Begin; return the span, which is one that records nothing where traces are off."""
        run = self.begin()
        self._open.append(run)
        if run is None:
            return INVALID_SPAN
        run.enter()
        return run.span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, with what the code in it raised, which goes on."""
        run = self._taken()
        if run is not None:
            run.leave()
            self.end(run, error)

    def __call__(self, function: Function) -> Function:
        """Return *function* as an operation: each call is a run of it.

        Raises:
            ConfigError: If a label cannot be one, or the period of a job none.
        """
        if self._wrong:
            raise ConfigError(self._wrong)
        wrapped: Function = _wrapped(self, function)
        return wrapped

    def detached(self, context: Context, links: Sequence[Link]) -> "Operation":
        """Let its runs be jobs of their own in *context*, with *links*; return it."""
        self._context, self._links = context, links
        return self

    def begin(self) -> Run | None:
        """Begin a run; ``None`` where nothing is set up, or something of ours fails."""
        signals = self._signals()
        if signals is None:
            return None
        try:
            if self._wrong:
                signals.failed(ConfigError(self._wrong))
            run = Run(signals, Work(self._name, SpanKind.INTERNAL, {}, self._context, self._links))
            # Not before: of a span that is not sampled nobody asks what it would say.
            if signals.tracer is not None and run.span.is_recording():
                run.span.set_attributes(self._told(signals.text_length))
        except Exception as error:  # noqa: BLE001 -- samplers and processors are the user's
            signals.failed(error)
            return None
        return run

    def _told(self, length: int) -> dict[str, AttributeValue]:
        if self._attributes is None:
            self._attributes = attributes_of({"operation": self._name, **self._fields}, length)
        return self._attributes

    def end(self, run: Run, error: BaseException | None) -> None:
        """End a run, and file what came of it."""
        signals = self._signals()
        ended = run.finish(error)
        if signals is None:
            return
        try:
            self._count(signals, run, ended)
            self._tell(signals, run, ended, error)
        except Exception as failure:  # noqa: BLE001 -- the work is done, and its result is what counts
            signals.failed(failure)

    def _count(self, signals: Signals, run: Run, ended: Ended) -> None:
        if signals.metrics is None:
            return
        cell = signals.metrics.operations.cell((self._name, ended.outcome), self._labels)
        cell.observe(ended.seconds, ended.trace)
        if run.own and ended.outcome == "ok":
            signals.metrics.jobs.cell(self._name).set(time())

    def _tell(self, signals: Signals, run: Run, ended: Ended, error: BaseException | None) -> None:
        if not run.own:
            run.annotate(self._fields)
            return
        if signals.pipeline is None:
            return
        facts = {
            "operation": self._name,
            "outcome": ended.outcome,
            "duration_seconds": round(ended.seconds, 6),
        }
        more = {**self._fields, **run.fields}
        facts |= {f"{name}_" if name in _OWN_FIELDS else name: value for name, value in more.items()}
        shown = error if ended.outcome == "error" else None
        level = LEVELS[ended.outcome]
        if signals.pipeline.wants(level, _LOGGER):
            signals.pipeline.emit(level, OPERATION.name, facts, logger=_LOGGER, ids=ended.ids, error=shown)

    def _taken(self) -> Run | None:
        """Take out the run that is ending: the one that is current here, of several that are open."""
        for place in range(len(self._open) - 1, -1, -1):
            run = self._open[place]
            if run is None or run.is_current():
                return self._open.pop(place)
        return self._open.pop() if self._open else None


def _wrapped(operation: Operation, function: Any) -> Any:
    if isasyncgenfunction(function):
        return wrapped_async_generator(operation, function)
    if isgeneratorfunction(function):
        return wrapped_generator(operation, function)
    if iscoroutinefunction(function):
        return _wrapped_coroutine(operation, function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        run = operation.begin()
        if run is None:
            return function(*args, **kwargs)
        try:
            with run.current():
                result = function(*args, **kwargs)
        except BaseException as error:
            operation.end(run, error)
            raise
        operation.end(run, None)
        return result

    return call


def _wrapped_coroutine(operation: Operation, function: Any) -> Any:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        run = operation.begin()
        if run is None:
            return await function(*args, **kwargs)
        try:
            with run.current():
                result = await function(*args, **kwargs)
        except BaseException as error:
            operation.end(run, error)
            raise
        operation.end(run, None)
        return result

    return call


def _shown(value: Label) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1024)
def _problem(names: tuple[str, ...]) -> str | None:
    """Return what is wrong with the names of labels, as a sentence."""
    if len(names) > _MOST_LABELS:
        return f"an operation has {len(names)} labels, but may have {_MOST_LABELS}; pass others as fields."
    for name in names:
        if not _NAME.fullmatch(name) or name in _TAKEN:
            return (
                f"label {name!r} of an operation must be snake_case and none of {', '.join(sorted(_TAKEN))}; "
                "choose another name, or pass it as a field."
            )
    return None
