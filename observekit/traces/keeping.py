"""Traces that turn out to matter: errors and slow ones are sent although nobody had sampled them.

Of what is not sampled, spans are recorded and held until the root that this process has begun ends. It
decides for what is below it; callers and services further on decide for themselves.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Final, Literal, NamedTuple, Protocol

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from observekit.guard import in_forked_child
from observekit.traces.sent import KEPT
from observekit.traces.spans import RecordingSpan
from observekit.traces.told import told
from observekit.traces.weight import bytes_of

Decision = Literal["error", "slow", "ordinary", "evicted", "truncated"]

# Spans of one trace: what a request does a hundred times says the first hundred times what it does.
_SPANS_OF_ONE: Final = 256
# No trace may put out all others.
_SHARE_OF_ONE: Final = 8
_SAMPLED: Final = 1
_NANOSECONDS: Final = 1_000_000_000
# What a root knows is kept with it, and goes with it: nothing here grows with traces that never end.
_BELOW: Final = "_observekit_below"
_DECIDED: Final = "_observekit_decided"


class Queue(Protocol):
    """Where spans go that are sent."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span if it is sampled."""


class Room(NamedTuple):
    """What may be held of all traces together.

    Attributes:
        spans: Number of spans.
        size: Bytes that they take, roughly.
    """

    spans: int
    size: int


class Below:
    """What is known of the spans below a root that has not ended: those that are held, and of the others.

    Attributes:
        life: In whose life it was made: a forked child has nothing to do with what its parent held.
        size: Bytes of those that are held.
        missing: How many had to go, or found no room.
        failed: Whether any of them, held or not, has failed.
    """

    __slots__ = ("failed", "life", "missing", "size", "spans")

    def __init__(self, life: object) -> None:
        self.life = life
        self.spans: list[ReadableSpan] = []
        self.size = 0
        self.missing = 0
        self.failed = False


class Keeper(SpanProcessor):
    """Holds what is not sampled until its root says whether it is worth keeping.

    Args:
        queue: Takes what is sent.
        errors: Whether a root that failed, or anything below it, is kept.
        slow_seconds: From which duration on a root is kept; ``None`` for none.
        room: What is held at most; the oldest trace goes where there is more.
        decided: Told what became of each trace.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        errors: bool,
        slow_seconds: float | None,
        room: Room,
        decided: Callable[[Decision], None],
    ) -> None:
        self._queue = queue
        self._errors = errors
        self._slow = None if slow_seconds is None else int(slow_seconds * _NANOSECONDS)
        self._room = room
        self._decided = decided
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing; also in a forked child, where the parent's spans are the parent's."""
        self._lock = RLock()
        self._life = object()
        self._held: OrderedDict[int, Below] = OrderedDict()
        self._count = 0
        self._bytes = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Send what is sampled, hold what is not, and decide where it is a root."""
        context = span.context
        if context is None:
            return
        root = span.local_root if isinstance(span, RecordingSpan) else span
        if context.trace_flags & _SAMPLED:
            begins = span.parent is None or span.parent.is_remote
            self._queue.on_end(told(span, "head") if begins else span)
        elif root is span:
            self._decide(root)
        else:
            self._hold(span, root)

    def _hold(self, span: ReadableSpan, root: ReadableSpan) -> None:
        """Hold a span, unless it has outlived what decides on it."""
        size, evicted = bytes_of(span), 0
        with self._lock:
            late: Decision | None = root.__dict__.get(_DECIDED)
            if late is None:
                evicted = self._kept_for_later(span, size, root)
        for _ in range(evicted):
            self._decided("evicted")
        if late in {"error", "slow"}:
            self._queue.on_end(told(span, late))

    def _kept_for_later(self, span: ReadableSpan, size: int, root: ReadableSpan) -> int:
        """Keep a span; return how many traces had to go for it."""
        below = self._below(root)
        below.failed = below.failed or span.status.status_code is StatusCode.ERROR
        if len(below.spans) >= _SPANS_OF_ONE or below.size + size > self._room.size // _SHARE_OF_ONE:
            below.missing += 1
            return 0
        self._held.setdefault(id(below), below)
        below.spans.append(span)
        below.size += size
        self._count += 1
        self._bytes += size
        evicted = 0
        while self._count > self._room.spans or self._bytes > self._room.size:
            self._let_go(self._held.popitem(last=False)[1])
            evicted += 1
        return evicted

    def _below(self, root: ReadableSpan) -> Below:
        known: Below | None = root.__dict__.get(_BELOW)
        if known is None or known.life is not self._life:
            known = root.__dict__[_BELOW] = Below(self._life)
        return known

    def _let_go(self, below: Below) -> list[ReadableSpan]:
        """Hold the spans of a trace no longer; they are missing, unless somebody has them now."""
        spans, below.spans = below.spans, []
        self._count -= len(spans)
        self._bytes -= below.size
        below.missing += len(spans)
        below.size = 0
        return spans

    def _decide(self, root: ReadableSpan) -> None:
        with self._lock:
            below = self._below(root)
            decision = self._judged(root, below)
            missing = below.missing
            self._held.pop(id(below), None)
            spans = self._let_go(below)
            del root.__dict__[_BELOW]
            root.__dict__[_DECIDED] = decision
        self._decided(decision)
        if decision == "ordinary":
            return
        root.__dict__[KEPT] = True
        if missing:
            self._decided("truncated")
        for span in spans:
            self._queue.on_end(told(span, decision))
        self._queue.on_end(told(root, decision, missing))

    def _judged(self, root: ReadableSpan, below: Below) -> Decision:
        if self._errors and (below.failed or root.status.status_code is StatusCode.ERROR):
            return "error"
        duration = (root.end_time or 0) - (root.start_time or 0)
        return "slow" if self._slow is not None and duration >= self._slow else "ordinary"
