"""Begins spans: the SDK's tracer to all who use it, without the SDK's cost for each span."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar, Token
from time import time_ns
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.span import DEFAULT_TRACE_STATE
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util.types import Attributes

from observekit.traces.cleaning import Limits
from observekit.traces.ids import SystemIds
from observekit.traces.late import LateAttributes, Later, LateSpan
from observekit.traces.processors import Processors
from observekit.traces.spans import Home, RecordingSpan

_SAMPLED: Final = int(TraceFlags.SAMPLED)
# Source: W3C Trace Context level 2, 3.2.2.5.2; older versions of the API do not know it.
_RANDOM: Final = 0x02
_FLAGS: Final = tuple(map(TraceFlags, range(4)))
# Source: a request is over in seconds, and what it has started too; what is not has a life of its own.
_LONG_NANOSECONDS: Final = 60 * 1_000_000_000
# Says in which context a span became current: a token of another one is refused, and OpenTelemetry would
# write a traceback about that.
_HERE: Final[ContextVar[None]] = ContextVar("observekit-current-span")
# Source: TraceIdRatioBased looks at the last 64 bits.
_LAST_BITS: Final = (1 << 64) - 1


class Rule(NamedTuple):
    """A sampler of OpenTelemetry's own, as two numbers: to ask it takes longer than all else about a span.

    Attributes:
        follows: Whether a span with a parent is sampled if its parent is.
        bound: Below which the last 64 bits of a trace id must be for its root to be sampled.
    """

    follows: bool
    bound: int


def rule_of(sampler: str, ratio: float) -> Rule:
    """Return the sampler that ``OTEL_TRACES_SAMPLER`` calls so."""
    kind = sampler.removeprefix("parentbased_")
    share = {"always_on": 1.0, "always_off": 0.0}.get(kind, ratio)
    return Rule(kind != sampler, TraceIdRatioBased.get_bound_for_rate(share))


def _made(trace_id: int, span_id: int, flags: TraceFlags, state: TraceState) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags, trace_state=state)


def _put_together(trace_id: int, span_id: int, flags: TraceFlags, state: TraceState) -> SpanContext:
    """Do what SpanContext does, but for looking at ids of ours, which takes as long as all else."""
    return tuple.__new__(SpanContext, (trace_id, span_id, False, flags, state, True))


_EXAMPLE: Final = (1, 2, _FLAGS[1], DEFAULT_TRACE_STATE)
# As long as it is the tuple that it has been since 2020.
_context: Final = _put_together if tuple(_made(*_EXAMPLE)) == tuple(_put_together(*_EXAMPLE)) else _made


class Ways(NamedTuple):
    """What all tracers of a provider share.

    Attributes:
        rule: What decides on sampling.
        ids: Where ids come from.
        keeps: Whether spans that are not sampled are recorded, because they may be kept.
        mistaken: Counts a mistake with context, by its reason.
    """

    processors: Processors
    limits: Limits
    rule: Rule
    ids: SystemIds
    keeps: bool
    mistaken: Callable[[str], None]


class LightTracer(Tracer):
    """Begins spans for one scope; shares the state of the SDK's tracer that it stands for."""

    _ways: Ways
    _home: Home

    def __init__(self, tracer: Tracer, ways: Ways, home: Home) -> None:
        # Its attributes are those of the SDK's tracer, also what the provider changes of them later.
        self.__dict__ = tracer.__dict__
        self._ways = ways
        self._home = home

    @property
    def home(self) -> Home:
        """What the spans of this tracer have in common."""
        return self._home

    def start_span(  # noqa: PLR0913, PLR0917 -- as OpenTelemetry has it
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 -- as OpenTelemetry has it
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 -- the same
    ) -> Span:
        """Begin a span as a child of the one in *context*, or of the current one."""
        current = get_current_span(context)
        caller = current.get_span_context()
        parent = caller if caller.is_valid else None
        ended = getattr(current, "end_time", None)
        if ended is not None and (start_time or time_ns()) - ended > _LONG_NANOSECONDS:
            self._ways.mistaken("parent_ended")
        span = self._begin(name, parent, context, kind, attributes, links, start_time)
        if isinstance(span, RecordingSpan):
            if self._ways.keeps:
                span.joins(current)
            if not (record_exception and set_status_on_exception):
                span.tells_exceptions(record=record_exception, as_status=set_status_on_exception)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(  # noqa: PLR0913, PLR0917 -- as OpenTelemetry has it
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 -- as OpenTelemetry has it
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 -- the same
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 -- the same
    ) -> Iterator[Span]:
        """Begin a span that is current until the block ends.

        OpenTelemetry's own asks an exception that leaves the block for its text, and raises what that raises.
        """
        span = self.start_span(
            name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )
        token, mark = attach(set_span_in_context(span)), _HERE.set(None)
        try:
            try:
                yield span
            finally:
                self._leave(token, mark)
        except Exception as error:
            if isinstance(span, RecordingSpan):
                span.take_exception(error)
            raise
        finally:
            if end_on_exit:
                span.end()

    def _leave(self, token: Token[Context], mark: Token[None]) -> None:
        try:
            _HERE.reset(mark)
        except ValueError:  # Left in another task or thread, where there is nothing of ours to take away.
            self._ways.mistaken("ended_elsewhere")
        else:
            detach(token)

    def start_late(
        self,
        name: str,
        parent: SpanContext | None,
        context: Context,
        links: Sequence[Link] | None,
        start_time: int,
        later: Later,
    ) -> Span:
        """Begin a SERVER span whose first attributes are made if anybody asks for them."""
        return self._begin(name, parent, context, SpanKind.SERVER, None, links, start_time, later)

    def _begin(  # noqa: PLR0913, PLR0917 -- of the two above
        self,
        name: str,
        parent: SpanContext | None,
        context: Context | None,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        links: Sequence[Link] | None,
        start_time: int | None,
        later: Later | None = None,
    ) -> Span:
        ways, home = self._ways, self._home
        trace_id, span_id = ways.ids.pair()
        flags, state = _RANDOM, DEFAULT_TRACE_STATE
        if parent is not None:
            trace_id, flags, state = parent.trace_id, parent.trace_flags & _RANDOM, parent.trace_state
        rule = ways.rule
        if parent is not None and rule.follows:
            samples = bool(parent.trace_flags & _SAMPLED)
        else:
            samples = trace_id & _LAST_BITS < rule.bound
        own = _context(trace_id, span_id, _FLAGS[flags | samples], state)
        if not (samples or ways.keeps):
            return NonRecordingSpan(own)
        begun = time_ns() if start_time is None else start_time
        if later is None:
            span = RecordingSpan(home, name, own, parent, kind, begun)
            span.begin_with(attributes, links)
        else:
            span = LateSpan(home, name, own, parent, kind, begun)
            span.begin_with(LateAttributes(later), links)
        if home.processors.watched:
            home.processors.on_start(span, context)
        return span
