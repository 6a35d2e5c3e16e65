"""The way of an ended span to the collector: an append for the caller, the rest on a thread of its own."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from time import monotonic
from typing import Final, NamedTuple

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from observekit.guard import Guard, in_forked_child
from observekit.traces.encoding import Group, group_of, request_bytes, span_bytes
from observekit.traces.hiding import hidden
from observekit.traces.ledger import Held, Item, Ledger
from observekit.traces.neighbours import Told, Transport
from observekit.traces.pace import Pace
from observekit.traces.room import Room
from observekit.traces.spans import Home, RecordingSpan
from observekit.traces.verdict import Verdict

# Source: collectors and proxies take 4 MiB or more at once; with 1 MiB, what has to be sent again is little.
_REQUEST_BYTES: Final = 1024 * 1024
# Share of the shutdown's budget in which a batch that is under way is given up, and counted.
_LAST_WORD: Final = 0.05
# How long an end waits between two tries of a collector that fails.
_PAUSE_SECONDS: Final = 0.1
# More libraries than a process has; who makes tracers without end has their names encoded each time.
_HOMES: Final = 1024


class Bounds(NamedTuple):
    """What the export may take.

    Attributes:
        spans: Spans that may wait.
        size: Bytes that they may take.
        batch: Spans of one request.
        delay_seconds: How long a span waits for others.
        timeout_seconds: Time of one request.
    """

    spans: int
    size: int
    batch: int
    delay_seconds: float
    timeout_seconds: float


class ExportQueue(SpanProcessor):
    """Holds ended spans as bytes, and exports them in batches; what was not taken waits for another try.

    *connect* is called when there is something to send, also in a forked child: a connection is not shared
    between processes.
    """

    def __init__(self, connect: Callable[[], Transport], bounds: Bounds, told: Told, guard: Guard) -> None:
        self._connect = connect
        self._bounds = bounds
        self._told = told
        self._guard = guard
        self._ledger = Ledger(told, bounds.spans, bounds.size)
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing waiting; also in a forked child, where the parent's spans are the parent's."""
        self._ledger.start_afresh()
        self._lock = RLock()
        self._pace = Pace()
        self._room = Room(_REQUEST_BYTES)
        self._groups: dict[int, tuple[Home, Group]] = {}
        # Re-entrant, unlike Event and Condition: a span may end in a signal handler.
        self._wake: SimpleQueue[SimpleQueue[bool] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._transport: Transport | None = None
        self._why = ""
        self._answered = True
        self._closing = False
        self._deadline: float | None = None

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span if it is sampled; never waits."""
        context = span.context
        if context is None or not context.trace_flags.sampled:
            return
        try:
            if isinstance(span, RecordingSpan):
                group = self._group(span.home)
            else:
                group = group_of(span.resource, span.instrumentation_scope)
            item = Item(group, span_bytes(span, hidden))
        except Exception as error:  # noqa: BLE001 -- whatever the user has put into it
            self._guard.failed("traces", error)
            self._ledger.lose("unencodable")
        else:
            self._put(item)

    def take(self, home: Home, span: bytes) -> None:
        """Take a sampled span that is encoded already; never waits."""
        self._put(Item(self._group(home), span))

    def put(self, group: Group, content: bytes) -> None:
        """Take what is encoded already and belongs to *group*, such as a log record; never waits."""
        self._put(Item(group, content))

    def lose(self) -> None:
        """Note that something could not be encoded."""
        self._ledger.lose("unencodable")

    def held(self) -> Held:
        """Return how much waits, or is under way."""
        return self._ledger.held()

    def shutdown(self, budget_seconds: float = 5.0) -> None:
        """Export what is waiting for at most *budget_seconds*, and give up what is left."""
        deadline = monotonic() + budget_seconds
        with self._lock:
            if self._closing:
                return
            self._deadline = deadline - budget_seconds * _LAST_WORD
            self._ledger.close()
        self._flush(self._deadline)
        self._closing = True
        self._wake.put(None)
        transport, thread = self._transport, self._thread
        if transport is not None:
            transport.interrupt()
        if thread is not None:
            thread.join(max(0.0, deadline - monotonic()))
        self.give_up()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until all that waits now has an answer of the collector; say whether that was in time.

        One that was not there before is asked once more, and not waited for.
        """
        return self._flush(monotonic() + timeout_millis / 1000)

    def give_up(self) -> None:
        """Let go of what waits or is under way, because the process may end now.

        A batch under way may still arrive; nobody will be there to count it.
        """
        left = self._ledger.give_up()
        last = f"; the last try: {self._why}" if self._why else ""
        self._told.spans_lost(left, f"there was no time left{last}")
        self._told.spans_lost(0, "")

    def _group(self, home: Home) -> Group:
        known = self._groups.get(id(home))
        if known is None:
            known = (home, group_of(home.resource, home.scope))
            if len(self._groups) < _HOMES:
                self._groups[id(home)] = known
        return known[1]

    def _put(self, item: Item) -> None:
        waiting = self._ledger.put(item)
        if waiting and self._thread is None:
            self._start()
        if waiting == self._bounds.batch:
            self._wake.put(None)

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None or self._closing:
                return
            self._thread = thread = Thread(target=self._run, name="observekit-traces", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # No more threads, or the interpreter is ending: the next span tries again.
                self._thread = None

    def _flush(self, deadline: float) -> bool:
        was_down = self._pace.failing
        while self._ledger.held().spans:
            left = deadline - monotonic()
            if left <= 0 or self._thread is None or self._closing:
                return False
            answer: SimpleQueue[bool] = SimpleQueue()
            self._wake.put(answer)
            with suppress(Empty):
                if answer.get(timeout=left):
                    return True
                if was_down and not self._answered:
                    return False
                answer.get(timeout=min(_PAUSE_SECONDS, max(0.0, deadline - monotonic())))
        return True

    def _run(self) -> None:
        while not self._closing:
            answer = None
            pause = max(self._pace.not_before - monotonic(), 0.0) if self._pace.not_before else 0.0
            with suppress(Empty):
                answer = self._wake.get(timeout=pause or self._bounds.delay_seconds)
            arrived = self._sent(asked=answer is not None)
            if answer is not None:
                answer.put(arrived)
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _sent(self, *, asked: bool) -> bool:
        """Do as _send_all() does, and never raise: nobody would begin this thread anew."""
        try:
            return self._send_all(asked=asked)
        except Exception as error:  # noqa: BLE001 -- what is under way waits again
            self._guard.failed("traces", error)
            self._ledger.put_all_back()
            self._pace.failed(monotonic(), None)
            return False

    def _send_all(self, *, asked: bool) -> bool:
        """Send what waits, as far as it may be sent now; say whether nothing of it is left."""
        while not self._closing:
            pace, now = self._pace, monotonic()
            if now < pace.not_before and (pace.asked or not asked):
                return False
            deadline = now + self._bounds.timeout_seconds
            if self._deadline is not None:
                deadline = min(deadline, self._deadline)
            batch = self._ledger.take(self._bounds.batch, self._room.size) if now < deadline else []
            if not batch:
                return now < deadline
            verdict = self._try(batch, deadline)
            self._told.export_tried(_OUTCOMES.get(verdict.kind, "failed"), monotonic() - now)
            if not self._judge(batch, verdict):
                return False
        return False

    def _try(self, batch: list[Item], deadline: float) -> Verdict:
        try:
            with suppress_instrumentation():
                if self._transport is None:
                    self._transport = self._connect()
                return self._transport.send(request_bytes(batch), len(batch), deadline)
        except Exception as error:  # noqa: BLE001 -- whatever a library does; the spans wait
            self._guard.failed("traces", error)
            return Verdict("again", f"{type(error).__name__} within")

    def _judge(self, batch: list[Item], verdict: Verdict) -> bool:
        """Do with a batch what the verdict says; say whether the next may go."""
        if verdict.kind == "again":
            self._pace.failed(monotonic(), verdict.after_seconds)
            self._why, self._answered = verdict.why, verdict.answered
            self._ledger.put_back(batch)
            self._told.spans_wait(self._ledger.held().spans, verdict.why)
            return False
        self._why = ""
        if verdict.kind == "too_large" and self._judge_size(batch):
            return True
        if verdict.kind != "too_large":
            self._pace.succeeded(monotonic())
            self._room.taken(monotonic())
        self._settle(batch, verdict)
        return True

    def _judge_size(self, batch: list[Item]) -> bool:
        """Note that a batch is too large; say whether it goes in pieces."""
        now = monotonic()
        if self._room.refused(sum(len(item.content) for item in batch), len(batch), now):
            # Who takes nothing, however small, is asked as seldom as one that fails.
            self._pace.failed(now, None)
        else:
            self._pace.succeeded(now)
        if len(batch) > 1:
            self._ledger.put_back(batch)
        return len(batch) > 1

    def _settle(self, batch: list[Item], verdict: Verdict) -> None:
        if verdict.kind == "taken":
            lost = verdict.rejected
            ours = self._ledger.settle(batch, exported=len(batch) - lost, rejected=lost)
        elif verdict.kind == "rejected":
            lost = len(batch)
            ours = self._ledger.settle(batch, rejected=lost)
        else:
            lost = len(batch)
            ours = self._ledger.settle(batch, reason=verdict.kind)
        if ours and lost:
            self._told.spans_lost(lost, verdict.why)


_OUTCOMES: Final = {"taken": "exported", "rejected": "rejected"}
