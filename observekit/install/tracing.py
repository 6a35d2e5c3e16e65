"""Traces of the process: OpenTelemetry's globals set from the configuration, and set back."""

import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from threading import Thread
from time import monotonic
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.propagators.textmap import TextMapPropagator

from observekit.config import Config, Effective
from observekit.guard import Guard
from observekit.http.span import Limits, Tracing
from observekit.install.exporting import make_keeper, make_queue
from observekit.install.instruments import Instruments
from observekit.integrations.clients import Clients
from observekit.integrations.instrumentors import Instrumentors
from observekit.traces.outgoing import Hosts, Outgoing
from observekit.traces.propagation import propagator
from observekit.traces.trust import Trust

_AUTOMATIC: Final = "opentelemetry.instrumentation.auto_instrumentation"
# A user agent of 100,000 characters is as good as its first thousand.
_CLIENT_TEXT: Final = 1024


def quarantine(effective: Effective) -> None:
    """Take refused OTEL_* variables out of the environment.

    The SDK reads them for itself, some while it is imported, and raises on a value it cannot use;
    so do frameworks that import it. They were reported, and the value in use is ours.
    """
    for problem in effective.problems:
        if problem.variable.startswith("OTEL_"):
            os.environ.pop(problem.variable, None)


class Traces:
    """The tracer provider, the export queue and the propagators of one process."""

    def __init__(
        self, config: Config, attributes: dict[str, str], instruments: Instruments, guard: Guard
    ) -> None:
        self.found = ["opentelemetry-instrument runs this process"] if _AUTOMATIC in sys.modules else []
        self._guard = guard
        self._say_the_rest = partial(instruments.spans_lost, 0, "")
        self._queue = make_queue(config, instruments, guard, self.found)
        self._refused = instruments.context_refused
        self._keeper = make_keeper(config, instruments, self._queue)
        self._undo: list[Callable[[], object]] = []
        self._provider: Any = None
        self.words = words = self._install(config, attributes, instruments.mistaken, instruments.show_open)
        self.tracer = trace.get_tracer("observekit")
        self.tracing = Tracing(
            self.tracer,
            words,
            Trust(config.trust_incoming, config.trusted_proxies),
            Limits(
                min(_CLIENT_TEXT, config.span_attribute_length_limit), config.event_attribute_length_limit
            ),
            guard,
            self._written(config),
        )

    @property
    def exports(self) -> bool:
        """Whether spans are sent anywhere."""
        return self._queue is not None

    def fill(self, config: Config) -> float:
        """Return how full the queue of spans is, from 0 to 1."""
        if self._queue is None:
            return 0.0
        spans, size = self._queue.held()
        return max(float(spans / config.span_queue_size), float(size / config.span_queue_bytes))

    def flush(self, budget_seconds: float) -> None:
        """Export what waits, for at most *budget_seconds*; what is left is given up, and said."""
        if self._queue is None:
            return
        if self._queue.force_flush(int(budget_seconds * 1000)):
            self._say_the_rest()
        else:
            self._queue.give_up()

    def close(self, budget_seconds: float) -> None:
        """Export what waits for at most *budget_seconds*, and set OpenTelemetry back as it was."""
        deadline = monotonic() + budget_seconds
        for undo in reversed(self._undo):
            try:
                undo()
            except Exception as error:  # noqa: BLE001 -- the others are still to be undone
                self._guard.failed("traces", error)
        self._undo.clear()
        if self._queue is not None:
            self._queue.shutdown(max(0.0, deadline - monotonic()))
        if self._provider is not None and self._provider.has_others(self._keeper or self._queue):
            # Processors that users have added may wait for a collector of their own.
            ending = Thread(target=self._provider.shutdown, name="observekit-traces-end", daemon=True)
            try:
                ending.start()
            except RuntimeError:  # The interpreter is ending, and starts no thread any more.
                self._provider.shutdown()
                return
            ending.join(max(0.0, deadline - monotonic()))

    def _install(
        self,
        config: Config,
        attributes: dict[str, str],
        mistaken: Callable[[str], None],
        show_open: Callable[[Callable[[], int]], None],
    ) -> TextMapPropagator:
        # Reads OTEL_PROPAGATORS when it is imported, and raises on a name that it does not know.
        propagate = import_module("opentelemetry.propagate")
        before = propagate.get_global_textmap()
        words = propagator(config.propagators, self._refused)
        outgoing = Outgoing(words, Hosts(config.propagate_to), Hosts(config.trust_outgoing))
        propagate.set_global_textmap(outgoing)
        self._undo.append(lambda: propagate.set_global_textmap(before))
        existing = _provider_before(self._guard)
        if existing is None:
            from observekit.traces.provider import make_provider  # noqa: PLC0415 -- the SDK, only where it is used

            self._provider = make_provider(
                config, attributes, self._keeper or self._queue, self._guard, mistaken
            )
            show_open(self._provider.open_spans.count)
            trace.set_tracer_provider(self._provider)
            self._undo.append(_forget_provider)
        else:
            self.found.append(f"tracer provider {type(existing).__qualname__} was set before; it is kept")
        self._instrument(config, outgoing)
        return words

    def _written(self, config: Config) -> Any:
        """Return what writes spans that nobody has looked at, where they are ours from beginning to end."""
        if self._provider is None or self._queue is None or self._keeper is not None:
            return None
        written = import_module("observekit.http.written")
        return written.WrittenSpans(
            self._queue,
            self._provider.processors,
            min(_CLIENT_TEXT, config.span_attribute_length_limit),
        )

    def _instrument(self, config: Config, outgoing: Outgoing) -> None:
        """Turn on the instrumentations of libraries that are installed."""
        failed = partial(self._guard.failed, "traces")
        clients = Clients(outgoing, failed)
        instrumentors = Instrumentors(config.disabled_instrumentations, clients.options(), failed)
        self._undo += [clients.undo, instrumentors.undo]
        try:
            instrumentors.begin()
        except Exception as error:  # noqa: BLE001 -- what is installed may be anything
            failed(error)


def _provider_before(guard: Guard) -> Any:
    """Return the tracer provider that somebody has set, by code or by OTEL_PYTHON_TRACER_PROVIDER."""
    try:
        existing = trace.get_tracer_provider()
    except Exception as error:  # noqa: BLE001 -- the variable names none that can be loaded
        guard.failed("traces", error)
        return None
    return None if isinstance(existing, trace.ProxyTracerProvider) else existing


def _forget_provider() -> None:
    """Let another provider be set, as OpenTelemetry's own test tools do: there is no public way."""
    trace._TRACER_PROVIDER = None  # noqa: SLF001
    trace._TRACER_PROVIDER_SET_ONCE = type(trace._TRACER_PROVIDER_SET_ONCE)()  # noqa: SLF001
