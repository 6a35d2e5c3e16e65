"""kit.context: trace context for messages, threads, processes, and tasks that outlive a request."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context as Variables
from contextvars import copy_context
from typing import Any, Final, Generic, ParamSpec, TypeVar

from opentelemetry.baggage import clear
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import INVALID_SPAN, Link, get_current_span, set_span_in_context

from observekit.operations.carriers import SETTER, Headers, extracted
from observekit.operations.operation import Label, Operation
from observekit.operations.signals import Signals
from observekit.traces.propagation import propagator

P = ParamSpec("P")
R = TypeVar("R")

_STANDARD: Final = ("tracecontext", "baggage")


class ContextTools:
    """Carries context to where it does not go by itself.

    Args:
        words: Reads and writes the formats; none where traces are off.
        signals: What detached tasks are told to, while there is somebody to tell.
    """

    def __init__(self, words: TextMapPropagator | None, signals: Callable[[], Signals | None]) -> None:
        self._words = propagator(()) if words is None else words
        # To processes of ours, whatever the service says to others.
        self._inward = propagator(() if words is None else _STANDARD)
        self._signals = signals
        # The event loop keeps no hold of its tasks, and one that is collected ends in the middle.
        self._tasks: set[asyncio.Task[Any]] = set()

    def inject(self, headers: Headers) -> Headers:
        """Write the current context into the headers of a message, and return them.

        With baggage: a broker is one's own. Headers are a mapping, or a list of pairs as Kafka has them.
        """
        return self._written(self._words, headers)

    def extract(self, headers: object, *, trusted: bool = True) -> Context:
        """Return the context that the headers of a message carry, for ``opentelemetry.context.attach``.

        Args:
            headers: A mapping or pairs, of texts or bytes; read within the same limits as those of HTTP.
            trusted: Whether baggage and the trace are taken over; otherwise nothing is.
        """
        bare = set_span_in_context(INVALID_SPAN, clear(get_current()))
        if not trusted:
            return bare
        try:
            return extracted(self._words, headers, bare)
        except Exception as error:  # noqa: BLE001 -- headers are anybody's
            self._failed(error)
            return bare

    def carry(self, function: Callable[P, R]) -> "Carried[P, R]":
        """Return *function* so that it runs in the context of now, wherever and how often it is called.

        For what starts without the context: ``Thread(target=…)``, ``run_in_executor``, ``pool.submit``, in
        threads and in other processes, to which the ids and baggage go, and nothing else.
        """
        headers: dict[str, str] = {}
        return Carried(function, self._written(self._inward, headers), copy_context())

    def detached_task(
        self,
        work: Coroutine[Any, Any, R],
        *,
        name: str,
        labels: Mapping[str, Label] | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> "asyncio.Task[R]":
        """Start a task that outlives its request: a job of its own, in a new trace with a link to this one.

        A task of ``asyncio.create_task`` has the request's span as parent for ever, also when that has ended
        long before. The task is kept until it is done.

        Args:
            work: What to do.
            name: Name of the operation.
            labels: As for ``operation``.
            fields: As for ``operation``.
        """
        here = get_current_span().get_span_context()
        links = [Link(here)] if here.is_valid else []
        alone = set_span_in_context(INVALID_SPAN, get_current())
        operation = Operation(name, labels or {}, fields or {}, self._signals).detached(alone, links)

        async def run() -> R:
            # Not as a decorator, which would raise for a label that cannot be one: this is within a request.
            with operation:
                return await work

        task = asyncio.create_task(run(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before its first step never begins the work, and Python would warn of that.
        task.add_done_callback(lambda _: work.close())
        return task

    def _written(self, words: TextMapPropagator, headers: Headers) -> Headers:
        try:
            words.inject(headers, setter=SETTER)
        except Exception as error:  # noqa: BLE001 -- a message without context is still a message
            self._failed(error)
        return headers

    def _failed(self, error: Exception) -> None:
        signals = self._signals()
        if signals is not None:
            signals.failed(error)


class Carried(Generic[P, R]):
    """A function with the context that it is to run in; pickled, it takes the ids and baggage along."""

    __slots__ = ("_function", "_headers", "_variables")

    def __init__(
        self, function: Callable[P, R], headers: dict[str, str], variables: Variables | None = None
    ) -> None:
        self._function = function
        self._headers = headers
        self._variables = variables

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._function, self._headers)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        if self._variables is not None:
            # A copy: one context cannot be entered by two threads at once.
            return self._variables.copy().run(self._function, *args, **kwargs)
        token = attach(extracted(propagator(_STANDARD), self._headers, Context()))
        try:
            return self._function(*args, **kwargs)
        finally:
            detach(token)
