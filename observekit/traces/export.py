"""The way of an ended span to the collector: an append for the caller, the rest on a thread of its own."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from time import monotonic
from typing import Final

from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from observekit.guard import Guard, in_forked_child

# Share of the shutdown's budget in which a batch that is being retried is given up, and counted.
_LAST_WORD: Final = 0.05

Dropped = Callable[[str, int], None]
Exported = Callable[[bool, int, float], None]
GivenUp = Callable[[int], None]


class ExportQueue(SpanProcessor):
    """Holds ended spans, at most *size*, and exports them in batches.

    ``make_exporter`` is called once here, and once more in each forked child that has spans to send: a
    connection is not shared between processes. ``dropped(reason, spans)`` is called for spans that will never
    arrive, ``exported(arrived, spans, seconds)`` for each batch that was tried, and ``given_up(spans)`` for
    those that an end has left no time for.
    Ended = exported + dropped + given up + waiting or under way, at every moment.
    """

    def __init__(  # noqa: PLR0913 -- limits and callbacks, all by name
        self,
        make_exporter: Callable[[], SpanExporter],
        *,
        size: int,
        batch: int,
        delay_seconds: float,
        dropped: Dropped,
        exported: Exported,
        given_up: GivenUp,
        guard: Guard,
    ) -> None:
        self._make_exporter = make_exporter
        self._size = size
        self._batch = batch
        self._delay = delay_seconds
        self._dropped = dropped
        self._exported = exported
        self._given_up = given_up
        self._guard = guard
        self._start_afresh()
        self._exporter: SpanExporter | None = make_exporter()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing waiting; also in a forked child, where the parent's spans are the parent's."""
        self._lock = RLock()
        self._waiting: deque[ReadableSpan] = deque()
        # The batch under way, which whoever takes it out of here answers for.
        self._trying: list[ReadableSpan] = []
        # Re-entrant, unlike Event and Condition: a span may end in a signal handler.
        self._wake: SimpleQueue[SimpleQueue[None] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._exporter = None
        self._closing = False
        self._deadline: float | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing; a span is of interest when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span if it is sampled; never waits."""
        context = span.context
        if context is None or not context.trace_flags.sampled:
            return
        with self._lock:
            refused = self._refused()
            if refused is None:
                self._waiting.append(span)
                if self._thread is None:
                    self._start()
                if len(self._waiting) == self._batch:
                    self._wake.put(None)
        if refused is not None:
            self._dropped(refused, 1)

    def shutdown(self, budget_seconds: float = 5.0) -> None:
        """Export what is waiting for at most *budget_seconds*, and give up what is left."""
        last_word = budget_seconds * _LAST_WORD
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._deadline = monotonic() + budget_seconds - last_word
            thread = self._thread
        if thread is not None:
            self._wake.put(None)
            thread.join(budget_seconds - last_word)
        if self._exporter is not None:
            self._exporter.shutdown()
        if thread is not None:
            thread.join(last_word)
        self.give_up()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what is waiting now was tried; say whether that was in time."""
        with self._lock:
            if self._thread is None or self._closing:
                return not self._waiting
            answer: SimpleQueue[None] = SimpleQueue()
            self._wake.put(answer)
        try:
            answer.get(timeout=timeout_millis / 1000)
        except Empty:
            return False
        return True

    def give_up(self) -> None:
        """Let go of what waits or is under way, because the process may end now.

        A batch under way may still arrive; nobody will be there to count it.
        """
        with self._lock:
            left = len(self._waiting) + len(self._trying)
            self._waiting.clear()
            self._trying = []
        self._given_up(left)

    def _refused(self) -> str | None:
        if self._closing:
            return "shutdown"
        return "queue_full" if len(self._waiting) >= self._size else None

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="observekit-traces", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # No more threads, or the interpreter is ending: the next span tries again.
            self._thread = None

    def _run(self) -> None:
        while not self._closing:
            answer = None
            with suppress(Empty):
                answer = self._wake.get(timeout=self._delay)
            while self._export_one():
                pass
            if answer is not None:
                answer.put(None)

    def _export_one(self) -> bool:
        """Export one batch; say whether there was one."""
        with self._lock:
            if self._deadline is not None and monotonic() >= self._deadline:
                return False
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            self._trying = batch
        if not batch:
            return False
        started = monotonic()
        arrived = self._try(batch)
        with self._lock:
            ours = self._trying is batch
            self._trying = []
        if ours:
            self._exported(arrived, len(batch), monotonic() - started)
        return True

    def _try(self, batch: list[ReadableSpan]) -> bool:
        try:
            with suppress_instrumentation():
                if self._exporter is None:
                    self._exporter = self._make_exporter()
                return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001 -- the exporter is somebody else's
            self._guard.failed("traces", error)
            return False
