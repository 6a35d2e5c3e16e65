"""Context goes along where it is carried: into threads, processes, tasks, and messages of any kind."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from threading import Thread
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context, trace
from opentelemetry.trace import SpanKind, get_current_span

from observekit import ObserveMiddleware, annotate, operation, setup
from observekit.operations.context import ContextTools
from observekit.traces.propagation import propagator

if TYPE_CHECKING:
    from tests.operations.conftest import Seen

Ids = tuple[int, int]


def here() -> Ids:
    """Return the ids of the current trace and span."""
    current = get_current_span().get_span_context()
    return current.trace_id, current.span_id


def here_and_baggage(_: int = 0) -> tuple[Ids, object]:
    return here(), baggage.get_baggage("tenant")


def in_thread(work: Callable[[], Ids]) -> Ids:
    found: list[Ids] = []
    thread = Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


async def as_coroutine() -> Ids:
    return here()


async def called_soon(carry: Any) -> Ids:
    done: asyncio.Future[Ids] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: done.set_result(here()))
    return await done


async def gathered(carry: Any) -> Ids:
    return (await asyncio.gather(as_coroutine(), as_coroutine()))[1]


async def pooled(carry: Any) -> Ids:
    with ThreadPoolExecutor(2) as pool:
        found: list[Ids] = list(pool.map(carry(lambda _: here()), range(4)))
    return found[3]


async def mapped_at_once(carry: Any) -> Ids:
    with ThreadPoolExecutor(4) as pool:
        found: set[Ids] = set(pool.map(carry(lambda _: here()), range(64)))
    (only,) = found
    return only


KEPT: dict[str, Callable[[Any], Any]] = {
    "a task": lambda _: asyncio.create_task(as_coroutine()),
    "a gathering": gathered,
    "call_soon": called_soon,
    "to_thread": lambda _: asyncio.to_thread(here),
    "anyio's thread": lambda _: anyio.to_thread.run_sync(here),
    "a carried thread": lambda carry: asyncio.sleep(0, in_thread(carry(here))),
    "a carried run_in_executor": lambda carry: asyncio.get_running_loop().run_in_executor(None, carry(here)),
    "a carried pool": pooled,
    "a carried pool, many at once": mapped_at_once,
}
LOST: dict[str, Callable[[Any], Any]] = {
    "a thread": lambda _: asyncio.sleep(0, in_thread(here)),
    "run_in_executor": lambda _: asyncio.get_running_loop().run_in_executor(None, here),
}


def handed_over(seen: "Seen", way: Callable[[Any], Any]) -> tuple[Ids, Ids]:
    async def run() -> tuple[Ids, Ids]:
        with trace.get_tracer("tests").start_as_current_span("request"):
            return here(), await way(seen.kit.context.carry)

    return asyncio.run(run())


@pytest.mark.parametrize("way", KEPT.values(), ids=KEPT)
def test_context_is_kept(seen: "Seen", way: Callable[[Any], Any]) -> None:
    request, found = handed_over(seen, way)

    assert found == request


@pytest.mark.parametrize("way", LOST.values(), ids=LOST)
def test_without_being_carried_it_is_lost_and_never_another_one(
    seen: "Seen", way: Callable[[Any], Any]
) -> None:
    _, found = handed_over(seen, way)

    assert found == (0, 0)


def test_another_process_gets_the_ids_and_baggage(seen: "Seen") -> None:
    with trace.get_tracer("tests").start_as_current_span("request"):
        token = context.attach(baggage.set_baggage("tenant", "acme and sons"))
        work = seen.kit.context.carry(here_and_baggage)
        request = here()
        context.detach(token)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(work, range(2))) == [(request, "acme and sons")] * 2
    assert here() == (0, 0)


def test_fields_reach_the_request_from_a_carried_thread(seen: "Seen", ask: Callable[[Any], int]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        def work() -> Ids:
            annotate(rows=12)
            return here()

        assert in_thread(seen.kit.context.carry(work)) == here()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert ask(ObserveMiddleware(app)) == 204

    (line,) = seen.events("http.request")
    assert line["rows"] == 12


def test_a_detached_task_is_a_job_in_a_trace_of_its_own_with_a_link(seen: "Seen") -> None:
    async def work() -> str:
        annotate(sent=3)
        with operation("send"):
            await asyncio.sleep(0)
        return "done"

    async def request() -> str:
        with trace.get_tracer("tests").start_as_current_span("request"):
            task = seen.kit.context.detached_task(work(), name="mails", labels={"kind": "news"})
        gc.collect()  # Nobody else holds the task.
        return await task

    assert asyncio.run(request()) == "done"

    spans = seen.spans()
    mails = spans["mails"]
    assert mails.context is not None
    assert spans["request"].context is not None
    assert mails.parent is None
    assert mails.context.trace_id != spans["request"].context.trace_id
    assert [link.context for link in mails.links] == [spans["request"].context]
    assert spans["send"].parent == mails.context
    (line,) = seen.events("operation")
    assert (line["operation"], line["sent"], line["kind"]) == ("mails", 3, "news")


def test_a_detached_task_that_fails_raises_where_it_is_awaited_and_is_counted(seen: "Seen") -> None:
    async def work() -> None:
        raise ValueError("no mail")

    async def run() -> None:
        with pytest.raises(ValueError, match="no mail"):
            await seen.kit.context.detached_task(work(), name="mails")

    asyncio.run(run())

    assert seen.samples("operation_duration_seconds_count") == {"operation=mails outcome=error": 1.0}


def test_a_span_whose_parent_ended_long_ago_is_counted(seen: "Seen") -> None:
    tracer = trace.get_tracer("tests")
    now = 1_700_000_000 * 10**9
    old = tracer.start_span("old", start_time=1)
    old.end(now - 61 * 10**9)
    recent = tracer.start_span("recent", start_time=1)
    recent.end(now - 59 * 10**9)

    for parent in (old, recent):
        tracer.start_span("child", trace.set_span_in_context(parent), start_time=now).end()

    assert seen.samples("observekit_context_mistakes_total") == {"reason=parent_ended": 1.0}


CARRIERS: dict[str, Callable[[dict[str, str]], Any]] = {
    "texts": dict,
    "bytes, as redis has them": lambda one: {key.encode(): value.encode() for key, value in one.items()},
    "pairs, as Kafka has them": lambda one: [(key, value.encode()) for key, value in one.items()],
    "pairs in a tuple": lambda one: tuple((key, value) for key, value in one.items()),
    "lists, as NATS has them": lambda one: {key.title(): [value] for key, value in one.items()},
    "other things besides": lambda one: {"x": 1, 2: None, **one},
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_headers_of_any_kind_carry_the_context(
    seen: "Seen", carrier: Callable[[dict[str, str]], Any]
) -> None:
    with trace.get_tracer("tests").start_as_current_span("sender"):
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        headers: dict[str, str] = seen.kit.context.inject({})
        sender = here()
        context.detach(token)

    found = seen.kit.context.extract(carrier(headers))

    read = get_current_span(found).get_span_context()
    assert (read.trace_id, read.span_id) == sender
    assert baggage.get_baggage("tenant", found) == "acme"


def test_pairs_are_appended_as_bytes(seen: "Seen") -> None:
    with trace.get_tracer("tests").start_as_current_span("sender"):
        headers = seen.kit.context.inject([("id", b"7")])

    assert [name for name, _ in headers] == ["id", "traceparent"]
    assert all(isinstance(value, bytes) for _, value in headers)


VALID = "00-12345678901234567890123456789012-1234567890123456-01"


@pytest.mark.parametrize(
    "headers",
    [
        None,
        "traceparent",
        17,
        [("traceparent",)],
        [("traceparent", VALID), ("traceparent", VALID)],
        {"traceparent": [VALID, VALID]},
        {"traceparent": VALID, "Traceparent": VALID},
        {"traceparent": VALID + "-x" * 10_000},
        {"traceparent": b"\xff" * 100},
        [("x", "1")] * 1000 + [("traceparent", VALID)],
    ],
)
def test_headers_that_say_nothing_are_no_context(seen: "Seen", headers: object) -> None:
    found = seen.kit.context.extract(headers)

    assert not get_current_span(found).get_span_context().is_valid


def test_an_untrusted_sender_brings_nothing(seen: "Seen") -> None:
    found = seen.kit.context.extract({"traceparent": VALID, "baggage": "tenant=acme"}, trusted=False)

    assert not get_current_span(found).get_span_context().is_valid
    assert baggage.get_all(found) == {}


anything = st.recursive(
    st.none() | st.text(max_size=20) | st.binary(max_size=20) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["traceparent", "tracestate", "baggage"]), inner, max_size=3)
    ),
)


@given(anything)
def test_no_headers_raise(headers: object) -> None:
    ContextTools(propagator(("tracecontext", "baggage", "b3")), lambda: None).extract(headers)


def test_without_traces_code_and_messages_go_their_way(begin: Callable[..., "Seen"]) -> None:
    kit = begin(traces=False).kit

    async def work() -> int:
        return 7

    async def run() -> int:
        return await kit.context.detached_task(work(), name="work")

    assert asyncio.run(run()) == 7
    assert kit.context.inject({"a": "b"}) == {"a": "b"}
    assert kit.context.carry(len)("abc") == 3


def test_a_disabled_kit_does_nothing_at_all() -> None:
    kit = setup(enabled=False)
    try:
        assert kit.context.inject({}) == {}
        with kit.messages.process("kafka", "orders", {"traceparent": VALID}):
            assert here() == (0, 0)
    finally:
        kit.shutdown()


def test_kinds_of_spans_are_those_of_the_conventions(seen: "Seen") -> None:
    with seen.kit.messages.publish("nats", "orders") as headers:
        pass
    with seen.kit.messages.process("nats", "orders", headers):
        pass

    assert {name: span.kind for name, span in seen.spans().items()} == {
        "send orders": SpanKind.PRODUCER,
        "process orders": SpanKind.CONSUMER,
    }
