"""Context goes along where it is carried: into threads, processes and tasks."""

import asyncio
import gc
import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import SpanKind, get_current_span

from observekit import ObserveMiddleware, annotate, operation, setup

if TYPE_CHECKING:
    from tests.operations.conftest import Seen

Ids = tuple[int, int]

VALID = "00-12345678901234567890123456789012-1234567890123456-01"


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
    together = Barrier(4)

    def work(_: int) -> Ids:
        together.wait(30)  # All four are within at the same time.
        return here()

    with ThreadPoolExecutor(4) as pool:
        found: set[Ids] = set(pool.map(carry(work), range(4)))
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


def test_another_process_gets_them_whatever_the_service_says_to_others(begin: Callable[..., "Seen"]) -> None:
    kit = begin(propagators=("b3",)).kit
    with trace.get_tracer("tests").start_as_current_span("request"):
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        work, request = kit.context.carry(here_and_baggage), here()
        context.detach(token)

    # As a pool of processes does it.
    assert pickle.loads(pickle.dumps(work))() == (request, "acme")  # noqa: S301 -- of our own making


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


def test_a_detached_task_with_a_wrong_label_is_done_all_the_same(seen: "Seen") -> None:
    async def work() -> int:
        return 7

    async def request() -> int:
        return await seen.kit.context.detached_task(work(), name="mails", labels={"le": "news"})

    assert asyncio.run(request()) == 7

    assert seen.samples("observekit_internal_errors_total") == {"component=operations": 1.0}
    (line,) = seen.events("operation")
    assert (line["operation"], line["le"]) == ("mails", "news")


def test_a_detached_task_that_fails_raises_where_it_is_awaited_and_is_counted(seen: "Seen") -> None:
    async def work() -> None:
        raise ValueError("no mail")

    async def run() -> None:
        with pytest.raises(ValueError, match="no mail"):
            await seen.kit.context.detached_task(work(), name="mails")

    asyncio.run(run())

    assert seen.samples("operation_duration_seconds_count") == {"operation=mails outcome=error": 1.0}


def test_a_detached_task_that_is_cancelled_before_it_begins_leaves_nothing_unawaited(seen: "Seen") -> None:
    async def work() -> None:
        """Never begins."""

    async def request() -> str:
        job = work()
        task = seen.kit.context.detached_task(job, name="mails")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)  # What is called when it is done comes after who waits for it.
        return inspect.getcoroutinestate(job)

    assert asyncio.run(request()) == inspect.CORO_CLOSED


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
