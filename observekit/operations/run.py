"""One run of something: its span, the time it takes, and the context it has while it is at work."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from time import perf_counter
from typing import Final, Literal, NamedTuple

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from observekit.correlation import Fields, add_fields, current_fields, with_fields
from observekit.http.exchange import is_cancellation
from observekit.http.ids import ids_of
from observekit.operations.signals import Signals
from observekit.redaction import redact_text
from observekit.semconv import ERROR_TYPE
from observekit.traces.exceptions import exception_attributes
from observekit.traces.sent import is_sent

Outcome = Literal["ok", "error", "cancelled"]

LEVELS: Final[Mapping[Outcome, str]] = {"ok": "info", "error": "error", "cancelled": "warning"}
"""The level of a canonical event by its outcome."""

# Says in which context a run became current: a token of another one is refused, and OpenTelemetry would
# write a traceback about that.
_ENTERED: Final[ContextVar["Run | None"]] = ContextVar("observekit-run", default=None)


class Ended(NamedTuple):
    """What came of a run."""

    outcome: Outcome
    seconds: float
    error_type: str | None
    ids: Mapping[str, str]
    trace: tuple[str, str] | None


class Work(NamedTuple):
    """What a run is of. Without a *context* it belongs to what is current, else it is a job of its own."""

    name: str
    kind: SpanKind
    attributes: Mapping[str, AttributeValue]
    context: Context | None = None
    links: Sequence[Link] = ()


class Run:
    """A run that has begun.

    Attributes:
        span: Its span, the one around it where traces are off.
        fields: What is annotated meanwhile: those of the request or job around it, or its own.
        own: Whether the fields are its own, because nothing is around it.
    """

    __slots__ = ("_context", "_mark", "_signals", "_started", "_token", "fields", "own", "span")

    def __init__(self, signals: Signals, work: Work) -> None:
        around = None if work.context is not None else current_fields()
        base = get_current() if work.context is None else work.context
        self._signals = signals
        self.own = around is None
        self.fields: Fields = {} if around is None else around
        self.span: Span = get_current_span(base)
        if signals.tracer is not None:
            self.span = signals.tracer.start_span(
                work.name,
                base,
                work.kind,
                work.attributes,
                work.links,
                record_exception=False,
                set_status_on_exception=False,
            )
            base = set_span_in_context(self.span, base)
        self._context = with_fields(self.fields, base) if self.own else base
        self._token: Token[Context] | None = None
        self._mark: Token[Run | None] | None = None
        self._started = perf_counter()

    def enter(self) -> None:
        """Become current."""
        self._token = attach(self._context)
        self._mark = _ENTERED.set(self)

    def leave(self) -> None:
        """Be current no more; what is current by now is current again after the next enter()."""
        token, mark = self._token, self._mark
        self._token = self._mark = None
        if token is None or mark is None:
            return
        try:
            _ENTERED.reset(mark)
        except ValueError:  # Ended in another task or thread, where there is nothing of ours to take away.
            self._signals.mistaken("ended_elsewhere")
            return
        self._context = get_current()
        detach(token)

    def is_current(self) -> bool:
        """Whether this is the innermost run here."""
        return _ENTERED.get() is self

    def annotate(self, fields: Mapping[str, object]) -> None:
        """Add *fields* to the canonical event that this run belongs to."""
        add_fields(self.fields, fields)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Be current within the block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def finish(self, error: BaseException | None) -> Ended:
        """End the span, and return what came of it."""
        seconds = perf_counter() - self._started
        outcome: Outcome = "ok"
        if error is not None:
            outcome = "cancelled" if is_cancellation(error) else "error"
        error_type = type(error).__qualname__ if outcome == "error" else None
        if self._signals.tracer is not None:
            self._tell(error if outcome == "error" else None)
        context = self.span.get_span_context()
        ids = {} if self.span is INVALID_SPAN else ids_of(context)
        sampled = bool(ids) and self._signals.exemplars and is_sent(self.span, context)
        trace = (ids["trace_id"], ids["span_id"]) if sampled else None
        return Ended(outcome, seconds, error_type, ids, trace)

    def _tell(self, error: BaseException | None) -> None:
        try:
            if error is not None and self.span.is_recording():
                self.span.set_attribute(ERROR_TYPE, type(error).__qualname__)
                self.span.set_status(StatusCode.ERROR)
                told = exception_attributes(error)
                # Processors of the user see spans as they are, before redaction at the queue.
                self.span.add_event("exception", {name: redact_text(text) for name, text in told.items()})
            self.span.end()
        except Exception as failure:  # noqa: BLE001 -- processors are the user's
            self._signals.failed(failure)
