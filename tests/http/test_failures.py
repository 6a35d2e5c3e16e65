"""What a part of observing raises takes that part only: the request is answered, the failure counted."""

import gc
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit.http.span import Limits, Tracing
from observekit.traces.propagation import propagator
from observekit.traces.trust import Trust

if TYPE_CHECKING:
    from tests.http.conftest import Bench

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b"last"}


class UnspeakableError(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send(dict(START))
    await send(dict(LAST))


class Raising(SpanProcessor):
    """A processor of a user that raises wherever it is told to."""

    def __init__(self, where: str, error: type[Exception]) -> None:
        self._where = where
        self._error = error

    def on_start(self, *_: Any, **__: Any) -> None:
        self._tell("on_start")

    def on_end(self, *_: Any) -> None:
        self._tell("on_end")

    def shutdown(self) -> None:
        self._tell("shutdown")

    def _tell(self, where: str) -> None:
        if where == self._where:
            raise self._error


FAILURES = [ValueError, RecursionError, MemoryError]


@pytest.mark.parametrize("error", FAILURES)
@pytest.mark.parametrize("where", ["on_start", "on_end"])
def test_a_processor_that_raises_takes_nothing_with_it(
    bench: "Bench", where: str, error: type[Exception]
) -> None:
    bench.provider.add_span_processor(Raising(where, error))
    tracer = bench.provider.get_tracer("theirs")

    def work(request: Any) -> PlainTextResponse:
        with tracer.start_as_current_span("theirs"):
            return PlainTextResponse("x")

    made = bench.call(Starlette(routes=[Route("/", work)]))

    assert (made.status, made.error) == (200, None)
    assert bench.guard.failures["traces"] == 2
    assert bench.durations() == {("GET", "/", "200"): 1}
    assert len(bench.server_spans()) == len(bench.events) == 1


class RaisingSampler(Sampler):
    """A sampler of a user that raises."""

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        raise ValueError("sampler")

    def get_description(self) -> str:
        return "raising"


class RaisingPropagator(TextMapPropagator):
    """A propagator of another package that raises."""

    @property
    def fields(self) -> set[str]:
        return {"theirs"}

    def extract(self, *_: Any, **__: Any) -> Context:
        raise ValueError("extract")

    def inject(self, *_: Any, **__: Any) -> None:
        raise ValueError("inject")


def _tracing(bench: "Bench", provider: Any = None, reader: Any = None) -> Tracing:
    tracer = (provider or bench.provider).get_tracer("observekit")
    words = propagator(("tracecontext",)) if reader is None else reader
    return Tracing(tracer, words, Trust(("always",)), Limits(1024, 1024), bench.guard)


@pytest.mark.parametrize("raising", ["sampler", "on_start", "on_end"])
def test_a_provider_of_the_user_that_raises_takes_the_span_only(
    bench: "Bench", call: Any, raising: str
) -> None:
    provider = TracerProvider(
        sampler=RaisingSampler() if raising == "sampler" else None, shutdown_on_exit=False
    )
    provider.add_span_processor(Raising(raising, ValueError))

    made = bench.run(call().make(bench.layer(answer, tracer=bench.tracer(_tracing(bench, provider)))))

    assert (made.sent, made.error) == ([START, LAST], None)
    assert bench.guard.failures["traces"] == 1
    assert bench.durations() == {("GET", "_unmatched", "200"): 1}
    assert len(bench.events) == 1


def test_a_propagator_that_raises_costs_the_caller_only(bench: "Bench", call: Any) -> None:
    layer = bench.layer(answer, tracer=bench.tracer(_tracing(bench, reader=RaisingPropagator())))

    made = bench.run(call().make(layer))

    assert made.error is None
    assert bench.guard.failures["traces"] == 1
    assert len(bench.server_spans()) == 1


@pytest.mark.parametrize("family", ["duration", "active", "first_byte"])
def test_a_metric_that_fails_is_the_only_signal_that_is_missing(bench: "Bench", family: str) -> None:
    getattr(bench.instruments.requests, family)._cells = None

    made = bench.call(answer)

    assert (made.sent, made.error) == ([START, LAST], None)
    assert sum(bench.guard.failures.values()) > 0
    if family != "active":
        assert len(bench.events) == len(bench.server_spans()) == 1
        assert bench.in_flight() == 0


@pytest.mark.parametrize("cause", [None, UnspeakableError()])
def test_an_exception_without_a_text_is_the_one_that_reaches_the_server(
    bench: "Bench", cause: Exception | None
) -> None:
    error = UnspeakableError()
    error.__cause__ = cause

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise error

    made = bench.call(fail)

    assert made.error is error
    assert bench.account().outcome == "server_error"
    (span,) = bench.server_spans()
    assert span.events[0].attributes is not None
    assert span.events[0].attributes["exception.message"] == "<cannot be shown, RuntimeError>"
    assert bench.events[0]["exception"]["message"] == "<cannot be shown, RuntimeError>"


def test_an_exception_is_let_go_when_its_request_is_over(bench: "Bench") -> None:
    class Big:
        """What a frame of the application holds."""

    held: list[Callable[[], object]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        big = Big()
        held.append(weakref.ref(big))
        raise UnspeakableError

    gc.disable()
    try:
        bench.call(app).error = None
        left = held[0]()
    finally:
        gc.enable()

    assert left is None
