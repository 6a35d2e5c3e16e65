"""Nothing of an application changes by being observed, also where what observes it fails."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
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


class Broken(Exception):
    """What the application raises."""


class Unspeakable(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send(dict(START))
    await send(dict(LAST))


MESSAGES = st.sampled_from(
    [
        dict(START),
        {**START, "status": 503},
        {**START, "trailers": True},
        {**START, "status": "200"},
        {"type": "http.response.start"},
        dict(LAST),
        {"type": "http.response.body"},
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.body", "body": None},
        {"type": "http.response.body", "body": "text", "more_body": None},
        {"type": "http.response.trailers", "headers": [], "more_trailers": True},
        {"type": "http.response.trailers"},
        {"type": "http.response.pathsend", "path": "/x"},
        {"type": "http.response.zerocopysend", "file": 1, "more_body": True},
        {"type": "http.response.push", "path": "/x", "headers": []},
        {"type": "http.response.early_hint", "links": []},
        {"type": "http.response.debug", "info": {}},
        {"type": "websocket.accept"},
        {"type": "of.tomorrow"},
        {"type": None},
        {"type": ["http.response.start"]},
        {},
        None,
        [],
    ]
)
ENDS = st.sampled_from(
    [None, Broken, Unspeakable, asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit]
)
INCOMING = st.sampled_from(
    [{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}, {"type": "of.tomorrow"}, {}, None]
)
REFUSALS = st.sampled_from([None, OSError, RuntimeError, asyncio.CancelledError])


@given(
    steps=st.lists(st.one_of(MESSAGES, st.just("receive")), max_size=8),
    end=ENDS,
    incoming=st.lists(INCOMING, max_size=3),
    refused=st.dictionaries(st.integers(0, 7), REFUSALS, max_size=2),
)
@settings(max_examples=400, deadline=None)
def test_no_order_of_messages_is_changed_or_raises_or_leaves_a_request_in_flight(
    make_unmanaged_bench: "Callable[[], Bench]",
    call: Any,
    steps: list[Any],
    end: type[BaseException] | None,
    incoming: list[Any],
    refused: dict[int, type[BaseException] | None],
) -> None:
    bench = make_unmanaged_bench()
    raised = None if end is None else end()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in steps:
            try:
                await (receive() if step == "receive" else send(step))
            except RuntimeError:
                continue
        if raised is not None:
            raise raised

    def connection() -> Any:
        one = call(incoming=[*incoming, {"type": "http.disconnect"}, *[{"type": "http.disconnect"}] * 9])

        async def send(message: Any) -> None:
            refusal = refused.get(len(one.sent))
            one.sent.append(message)
            if refusal is not None:
                raise refusal

        one.send = send
        return one

    without = _drive(connection(), app)
    observed = _drive(connection(), bench.layer(app))

    assert observed.sent == without.sent
    assert type(observed.error) is type(without.error)
    assert raised is None or without.error is not raised or observed.error is raised
    assert bench.in_flight() == 0
    assert sum(bench.guard.failures.values()) == 0
    assert len(bench.events) == len(bench.server_spans()) == sum(bench.durations().values()) == 1


def _drive(one: Any, app: Any) -> Any:
    """Run a request without an event loop: nothing in these waits."""
    work = one.make(app)
    try:
        work.send(None)
    except StopIteration:
        return one
    raise AssertionError("the request waits for something")


@pytest.mark.parametrize("kind", ["websocket", "of.tomorrow", None])
def test_connections_of_other_kinds_pass_by(bench: "Bench", kind: str | None) -> None:
    seen: list[Any] = []
    scope = {"type": kind} if kind else {}

    async def app(*connection: Any) -> None:
        seen.extend(connection)

    receive, send = object(), object()
    bench.run(_connect(bench.layer(app), scope, receive, send))

    assert seen == [scope, receive, send]
    assert seen[0] is scope
    assert (bench.events, bench.durations(), bench.guard.failures["exchange"]) == ([], {}, 0)


async def _connect(app: Any, *connection: Any) -> None:
    await app(*connection)


BROKEN_SCOPES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no headers": ({"headers": ...}, ()),
    "no client": ({"client": ...}, ()),
    "no server": ({"server": ...}, ()),
    "client is None": ({"client": None}, ()),
    "client is a number": ({"client": 5}, ()),
    "headers are texts": ({"headers": [("user-agent", "x")]}, ()),
    "headers are a number": ({"headers": 5}, ("traces",)),
    "header values are texts": ({"headers": [(b"user-agent", "x")]}, ("traces",)),
    "header bytes are of no encoding": ({"headers": [(b"user-agent", b"\xff\xfe\x00")]}, ()),
    "server has no port": ({"server": ("/run/socket",)}, ("traces",)),
    "method is missing": ({"method": ...}, ("exchange",)),
    "method is a list": ({"method": ["GET"]}, ("exchange",)),
    "path is missing": ({"path": ...}, ("exchange",)),
    "path is a number": ({"path": 5}, ("exchange", "traces")),
    "path has lone surrogates": ({"path": "/\udcff"}, ()),
    "root path is a number": ({"root_path": 5}, ("exchange",)),
    "route is a number": ({"route": 5, "endpoint": 6}, ()),
}


@pytest.mark.parametrize(("wrong", "failing"), BROKEN_SCOPES.values(), ids=BROKEN_SCOPES)
def test_a_scope_that_is_wrong_is_answered_as_ever(
    bench: "Bench", call: Any, wrong: dict[str, Any], failing: tuple[str, ...]
) -> None:
    one = call()
    scope = {key: value for key, value in {**one.scope(), **wrong}.items() if value is not ...}

    bench.run(_connect(bench.layer(answer), scope, one.receive, one.send))

    assert one.sent == [START, LAST]
    assert bench.in_flight() == 0
    assert {part for part, failures in bench.guard.failures.items() if failures} <= set(failing)
    assert bool(failing) == bool(sum(bench.guard.failures.values()))


class Raising(SpanProcessor):
    """A processor of a user that raises wherever it is told to."""

    def __init__(self, where: str, error: type[Exception]) -> None:
        self._where = where
        self._error = error

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        self._tell("on_start")

    def on_end(self, span: Any) -> None:
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

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        raise ValueError("sampler")

    def get_description(self) -> str:
        return "raising"


class RaisingPropagator(TextMapPropagator):
    """A propagator of another package that raises."""

    @property
    def fields(self) -> set[str]:
        return {"theirs"}

    def extract(self, *args: Any, **kwargs: Any) -> Context:
        raise ValueError("extract")

    def inject(self, *args: Any, **kwargs: Any) -> None:
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

    made = bench.run(call().make(bench.layer(answer, tracing=_tracing(bench, provider))))

    assert (made.sent, made.error) == ([START, LAST], None)
    assert bench.guard.failures["traces"] == 1
    assert bench.durations() == {("GET", "_unmatched", "200"): 1}
    assert len(bench.events) == 1


def test_a_propagator_that_raises_costs_the_caller_only(bench: "Bench", call: Any) -> None:
    layer = bench.layer(answer, tracing=_tracing(bench, reader=RaisingPropagator()))

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


@pytest.mark.parametrize("cause", [None, Unspeakable()])
def test_an_exception_without_a_text_is_the_one_that_reaches_the_server(
    bench: "Bench", cause: Exception | None
) -> None:
    error = Unspeakable()
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


def test_the_traceback_that_reaches_the_server_ends_where_it_did(bench: "Bench") -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise Broken

    made = bench.call(fail)

    assert made.error is not None
    frames = []
    trace = made.error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert frames == ["make", "__call__", "_observe", "fail"]


def test_a_request_on_trio_is_observed(bench: "Bench", call: Any) -> None:
    app = Starlette(routes=[Route("/x/{y}", lambda request: PlainTextResponse("x"))])

    made = trio.run(call("/x/1").make, bench.layer(app))

    assert made.error is None
    assert bench.account().route == "/x/{y}"


def test_a_request_that_trio_cancels_is_no_error(bench: "Bench", call: Any) -> None:
    async def hang(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep_forever()

    async def cancel() -> None:
        with trio.move_on_after(0.01):
            one = call()
            await bench.layer(hang)(one.scope(), one.receive, one.send)

    trio.run(cancel)

    told = bench.account()
    assert (told.status, told.outcome, told.reason) == (None, "aborted", "cancelled")


def test_the_messages_of_a_response_are_those_of_the_application(bench: "Bench") -> None:
    start, last = dict(START), dict(LAST)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send(last)

    made = bench.call(app)

    assert made.sent[0] is start
    assert made.sent[1] is last
    assert (start, last) == (START, LAST)
