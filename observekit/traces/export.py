"""The way of an ended span to the collector: an append for the caller, the rest on a thread of its own."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from time import monotonic

from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from observekit.guard import Guard, in_forked_child

Dropped = Callable[[str, int], None]
Exported = Callable[[bool, int, float], None]


class ExportQueue(SpanProcessor):
    """Holds ended spans, at most *size*, and exports them in batches.

    ``dropped(reason, spans)`` is called for spans that will never arrive,
    ``exported(arrived, spans, seconds)`` for each batch that was tried.
    Ended = exported + dropped + waiting, at every moment.
    """

    def __init__(  # noqa: PLR0913 -- limits and callbacks, all by name
        self,
        exporter: SpanExporter,
        *,
        size: int,
        batch: int,
        delay_seconds: float,
        dropped: Dropped,
        exported: Exported,
        guard: Guard,
    ) -> None:
        self._exporter = exporter
        self._size = size
        self._batch = batch
        self._delay = delay_seconds
        self._dropped = dropped
        self._exported = exported
        self._guard = guard
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin with nothing waiting; also in a forked child, where the parent's spans are the parent's."""
        self._lock = RLock()
        self._waiting: deque[ReadableSpan] = deque()
        self._exporting = 0
        # Re-entrant, unlike Event and Condition: a span may end in a signal handler.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: Thread | None = None
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
        """Export what is waiting for at most *budget_seconds*; what is left is dropped and counted."""
        with self._lock:
            self._closing = True
            self._deadline = monotonic() + budget_seconds
            thread = self._thread
        if thread is not None:
            self._wake.put(None)
            thread.join(budget_seconds)
        with self._lock:
            left = len(self._waiting)
            self._waiting.clear()
        if left:
            self._dropped("shutdown", left)
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what is waiting was tried; say whether that was in time."""
        deadline = monotonic() + timeout_millis / 1000
        while monotonic() < deadline:
            if not self._export_one() and not self._exporting:
                return True
        return False

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
            with suppress(Empty):
                self._wake.get(timeout=self._delay)
            while self._export_one():
                pass

    def _export_one(self) -> bool:
        """Export one batch; say whether there was one."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            if not batch or self._late():
                self._waiting.extendleft(reversed(batch))
                return False
            self._exporting += len(batch)
        started = monotonic()
        arrived = self._try(batch)
        self._exported(arrived, len(batch), monotonic() - started)
        with self._lock:
            self._exporting -= len(batch)
        return True

    def _try(self, batch: list[ReadableSpan]) -> bool:
        try:
            with suppress_instrumentation():
                return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001 -- the exporter is somebody else's
            self._guard.failed("traces", error)
            return False

    def _late(self) -> bool:
        return self._deadline is not None and monotonic() >= self._deadline
