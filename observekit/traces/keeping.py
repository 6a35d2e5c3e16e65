"""Traces that turn out to matter: errors and slow ones are sent although nobody had sampled them.

Of what is not sampled, spans are recorded and held until the root that this process has begun ends. It
decides for what is below it; callers and services further on decide for themselves.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Final, Literal, Protocol

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags

from observekit.guard import in_forked_child
from observekit.traces.sent import KEPT

Decision = Literal["error", "slow", "ordinary", "evicted"]

SAMPLED_BY: Final = "observekit.sampled_by"
"""Why a span was sent: ``head`` where a sampler said so when it began, else ``error`` or ``slow``.

Whoever counts spans must leave those out that were kept, or count them apart: they are no fair sample.
"""

# Spans of one trace: what a request does a hundred times says the first hundred times what it does.
_SPANS_OF_ONE: Final = 256
# Spans that were decided on and may still have children that end later.
_DECIDED: Final = 4096
_SAMPLED: Final = 1
_NANOSECONDS: Final = 1_000_000_000


class Queue(Protocol):
    """Where spans go that are sent."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span if it is sampled."""


class Keeper(SpanProcessor):
    """Holds what is not sampled until its root says whether it is worth keeping.

    Args:
        queue: Takes what is sent.
        errors: Whether a root that failed, or anything below it, is kept.
        slow_seconds: From which duration on a root is kept; ``None`` for none.
        spans: Spans that are held at most; the oldest trace goes where there are more.
        decided: Told what became of each trace.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        errors: bool,
        slow_seconds: float | None,
        spans: int,
        decided: Callable[[Decision], None],
    ) -> None:
        self._queue = queue
        self._errors = errors
        self._slow = None if slow_seconds is None else int(slow_seconds * _NANOSECONDS)
        self._most = spans
        self._decided = decided
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing; also in a forked child, where the parent's spans are the parent's."""
        self._lock = RLock()
        self._held: OrderedDict[int, list[ReadableSpan]] = OrderedDict()
        self._count = 0
        self._known: OrderedDict[int, Decision] = OrderedDict()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing; a span is of interest when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Send what is sampled, hold what is not, and decide where it is a root."""
        context = span.context
        if context is None:
            return
        root = span.parent is None or span.parent.is_remote
        if context.trace_flags & _SAMPLED:
            self._queue.on_end(_told(span, "head") if root else span)
        elif root:
            self._decide(span, context)
        else:
            self._hold(span, context)

    def _hold(self, span: ReadableSpan, context: SpanContext) -> None:
        """Hold a span, unless it has outlived what decides on it."""
        evicted = 0
        with self._lock:
            parent = span.parent
            late = None if parent is None else self._known.get(parent.span_id)
            below: list[ReadableSpan] = []
            if late is not None:
                below = self._taken(context, late)
            else:
                evicted = self._kept_for_later(span, context.trace_id)
        for _ in range(evicted):
            self._decided("evicted")
        if late in {"error", "slow"}:
            self._send([*below, span], late)

    def _kept_for_later(self, span: ReadableSpan, trace: int) -> int:
        """Keep a span; return how many traces had to go for it."""
        held = self._held.setdefault(trace, [])
        if len(held) < _SPANS_OF_ONE:
            held.append(span)
            self._count += 1
        evicted = 0
        while self._count > self._most:
            self._count -= len(self._held.popitem(last=False)[1])
            evicted += 1
        return evicted

    def _decide(self, root: ReadableSpan, context: SpanContext) -> None:
        with self._lock:
            below, _ = _below(context.span_id, self._held.get(context.trace_id, []))
            decision = self._judged(root, below)
            self._taken(context, decision)
        self._decided(decision)
        if decision != "ordinary":
            root.__dict__[KEPT] = True
            self._send([*below, root], decision)

    def _taken(self, top: SpanContext, decision: Decision) -> list[ReadableSpan]:
        """Take out what is held below *top*, note what was decided, and return it."""
        below, others = _below(top.span_id, self._held.pop(top.trace_id, []))
        self._count -= len(below)
        if others:  # Of a span that has not ended yet.
            self._held[top.trace_id] = others
        decided = [top.span_id, *(span.context.span_id for span in below if span.context is not None)]
        self._known.update(dict.fromkeys(decided, decision))
        while len(self._known) > _DECIDED:
            self._known.popitem(last=False)
        return below

    def _judged(self, root: ReadableSpan, below: Iterable[ReadableSpan]) -> Decision:
        if self._errors and any(one.status.status_code is StatusCode.ERROR for one in (root, *below)):
            return "error"
        duration = (root.end_time or 0) - (root.start_time or 0)
        return "slow" if self._slow is not None and duration >= self._slow else "ordinary"

    def _send(self, spans: Iterable[ReadableSpan], decision: Decision) -> None:
        for span in spans:
            self._queue.on_end(_told(span, decision))


def _below(root: int, spans: list[ReadableSpan]) -> tuple[list[ReadableSpan], list[ReadableSpan]]:
    """Return the spans that descend from *root*, and the others."""
    parents = {
        span.context.span_id: 0 if span.parent is None else span.parent.span_id
        for span in spans
        if span.context is not None
    }
    known = {root: True}

    def descends(span_id: int) -> bool:
        way: list[int] = []
        while span_id not in known and span_id in parents and len(way) <= len(parents):
            way.append(span_id)
            span_id = parents[span_id]
        found = known.get(span_id, False)
        known.update(dict.fromkeys(way, found))
        return found

    below: list[ReadableSpan] = []
    others: list[ReadableSpan] = []
    for span in spans:
        ours = span.context is not None and descends(span.context.span_id)
        (below if ours else others).append(span)
    return below, others


def _told(span: ReadableSpan, decision: str) -> ReadableSpan:
    """Return *span* as sampled, and by what."""
    context = span.context
    if context is not None and not context.trace_flags & _SAMPLED:
        flags = TraceFlags(context.trace_flags | _SAMPLED)
        context = SpanContext(
            context.trace_id, context.span_id, context.is_remote, flags, context.trace_state
        )
    return ReadableSpan(
        name=span.name,
        context=context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), SAMPLED_BY: decision},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
