"""Spans arrive as they were, nobody waits for the collector, and every span is accounted for."""

import asyncio
import json
from collections.abc import Callable
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

from observekit import Kit, ObserveMiddleware

if TYPE_CHECKING:
    from tests.traces.conftest import Collector, Ledger

LONG = 30.0
Begin = Callable[..., Kit]
LedgerOf = Callable[[Kit], "Ledger"]


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


def ask(times: int = 1) -> float:
    """Make requests to an observed application, and return how many seconds the slowest took."""

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        pass

    async def requests() -> float:
        observed, slowest = ObserveMiddleware(app), 0.0
        for _ in range(times):
            scope = {"type": "http", "method": "GET", "path": "/items", "headers": []}
            before = monotonic()
            await observed(scope, receive, send)
            slowest = max(slowest, monotonic() - before)
        return slowest

    return asyncio.run(requests())


def end_spans(times: int) -> None:
    tracer = trace.get_tracer("theirs")
    for _ in range(times):
        tracer.start_span("theirs").end()


def test_a_span_arrives_as_it_was(begin: Begin, collector: "Collector", ledger: LedgerOf) -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_headers={"api-key": "hunter2"},
        service_name="shop",
        service_version="1.2",
    )

    ask()
    kit.shutdown()

    (request,) = collector.requests
    resource = {one.key: one.value.string_value for one in request.resource_spans[0].resource.attributes}
    (span,) = collector.spans()
    attributes = {one.key: one.value for one in span.attributes}
    assert {key: resource[key] for key in ("service.name", "service.version", "telemetry.sdk.language")} == {
        "service.name": "shop",
        "service.version": "1.2",
        "telemetry.sdk.language": "python",
    }
    assert resource["service.instance.id"]
    assert request.resource_spans[0].scope_spans[0].scope.name == "observekit"
    assert (span.name, span.kind, span.status.code) == ("GET", 2, 2)
    assert attributes["http.response.status_code"].int_value == 503
    assert attributes["error.type"].string_value == "503"
    assert attributes["url.path"].string_value == "/items"
    assert 0 <= span.end_time_unix_nano - span.start_time_unix_nano < LONG * 1e9
    assert collector.headers[0]["api-key"] == "hunter2"


def test_spans_are_sent_in_batches_without_being_asked(begin: Begin, collector: "Collector") -> None:
    begin(traces_endpoint=collector.endpoint, span_batch_size=10, span_delay_seconds=60.0)

    end_spans(10)

    assert collector.until(lambda: len(collector.spans()) == 10)


def test_spans_are_sent_after_a_while_without_being_many(begin: Begin, collector: "Collector") -> None:
    begin(traces_endpoint=collector.endpoint, span_delay_seconds=0.01)

    end_spans(1)

    assert collector.until(lambda: len(collector.spans()) == 1)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_collector_that_refuses_is_a_count(
    begin: Begin, collector: "Collector", ledger: LedgerOf, status: int
) -> None:
    collector.status = status
    kit = begin(traces_endpoint=collector.endpoint, span_batch_size=5)
    told = ledger(kit)

    end_spans(23)
    asyncio.run(kit.flush())

    assert (told.exported(), told.rejected(), told.waiting()) == (0, 23, 0)
    assert len(collector.spans()) == 23


@pytest.mark.parametrize("down", ["refuses connections", "does not answer", "answers 503"])
def test_with_a_collector_that_is_down_requests_go_on_and_the_end_comes_in_time(
    begin: Begin, collector: "Collector", ledger: LedgerOf, down: str
) -> None:
    collector.silent, collector.status = down == "does not answer", 503
    endpoint = "http://127.0.0.1:9/v1/traces" if down == "refuses connections" else collector.endpoint
    kit = begin(traces_endpoint=endpoint, span_batch_size=10, span_queue_size=30, span_delay_seconds=0.01)
    told = ledger(kit)

    slowest = ask(100)
    before = monotonic()
    kit.shutdown(1.0)
    ending = monotonic() - before

    assert slowest < LONG / 3
    assert ending < LONG / 3
    dropped = {reason: told.dropped(reason) for reason in ("queue_full", "shutdown")}
    assert sum(dropped.values()) == 100
    assert told.exported() == 0


def test_what_does_not_fit_into_the_queue_is_counted_and_the_rest_arrives(
    begin: Begin, collector: "Collector", ledger: LedgerOf
) -> None:
    kit = begin(
        traces_endpoint=collector.endpoint, span_queue_size=40, span_batch_size=20, span_delay_seconds=60.0
    )
    told, collector.silent = ledger(kit), True

    end_spans(20)
    tried = collector.until(lambda: len(collector.requests) == 1)
    end_spans(30)
    collector.answer()
    kit.shutdown()

    assert tried
    assert (told.exported(), told.dropped("queue_full")) == (40, 10)
    assert len(collector.spans()) == 40


def test_a_span_that_ends_after_the_kit_is_counted(
    begin: Begin, collector: "Collector", ledger: LedgerOf
) -> None:
    kit = begin(traces_endpoint=collector.endpoint)
    told, late = ledger(kit), trace.get_tracer("theirs").start_span("late")

    kit.shutdown()
    late.end()

    assert told.dropped("shutdown") == 1
    assert collector.spans() == []


def test_a_request_has_no_more_time_than_the_queue_gives_it(
    begin: Begin, collector: "Collector", ledger: LedgerOf
) -> None:
    collector.silent = True
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_timeout_seconds=300.0,
        span_export_timeout_seconds=0.1,
        shutdown_budget_seconds=LONG,
    )
    told = ledger(kit)

    end_spans(1)
    flushing = Thread(target=asyncio.run, args=(kit.flush(),))
    flushing.start()
    tried_again = collector.until(lambda: len(collector.requests) >= 2)
    collector.answer()
    flushing.join(LONG)

    assert tried_again
    assert (told.exported(), told.waiting()) == (1, 0)


def test_a_flush_waits_for_what_is_there_and_no_longer_than_its_budget(
    begin: Begin, collector: "Collector"
) -> None:
    kit = begin(traces_endpoint=collector.endpoint, span_delay_seconds=60.0, shutdown_budget_seconds=0.2)

    end_spans(3)
    asyncio.run(kit.flush())
    arrived = len(collector.spans())
    collector.silent = True
    end_spans(3)
    before = monotonic()
    asyncio.run(kit.flush())

    assert arrived == 3
    assert monotonic() - before < LONG / 2


def failures_said(capfd: pytest.CaptureFixture[str]) -> list[tuple[int, str]]:
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [(line["spans"], line["problem"]) for line in said if line["event"] == "observekit.export_failed"]


def test_what_a_flush_has_no_time_for_is_given_up_counted_and_said(
    begin: Begin, collector: "Collector", ledger: LedgerOf, capfd: pytest.CaptureFixture[str]
) -> None:
    collector.silent = True
    kit = begin(
        traces_endpoint=collector.endpoint,
        logs="own",
        log_format="json",
        span_batch_size=10,
        shutdown_budget_seconds=0.2,
    )
    told = ledger(kit)

    end_spans(25)  # Ten of them are under way, and fifteen wait.
    asyncio.run(kit.flush())
    said = failures_said(capfd)

    assert said == [(25, "there was no time left")]
    assert (told.dropped("shutdown"), told.exported(), told.rejected()) == (25, 0, 0)


def test_a_batch_that_was_given_up_is_counted_once_although_it_arrives(
    begin: Begin, collector: "Collector", ledger: LedgerOf
) -> None:
    collector.silent = True
    kit = begin(traces_endpoint=collector.endpoint, shutdown_budget_seconds=0.1)
    told = ledger(kit)

    end_spans(3)
    asyncio.run(kit.flush())
    collector.answer()
    end_spans(4)
    trace.get_tracer_provider().force_flush(int(LONG * 1000))  # type: ignore[attr-defined]  # the SDK's

    assert (told.dropped("shutdown"), told.exported(), told.rejected()) == (3, 4, 0)


def test_all_spans_that_are_lost_have_been_said_when_the_kit_ends(
    begin: Begin, collector: "Collector", ledger: LedgerOf, capfd: pytest.CaptureFixture[str]
) -> None:
    collector.status = 400
    kit = begin(traces_endpoint=collector.endpoint, logs="own", log_format="json", span_batch_size=5)
    told = ledger(kit)

    end_spans(23)
    kit.shutdown()

    said = failures_said(capfd)
    assert (sum(spans for spans, _ in said), told.rejected()) == (23, 23)
    assert {problem for _, problem in said} == {"HTTP 400"}


def test_a_flush_with_nothing_to_send_does_not_wait(begin: Begin, collector: "Collector") -> None:
    kit = begin(traces_endpoint=collector.endpoint, span_delay_seconds=60.0, shutdown_budget_seconds=LONG)

    before = monotonic()
    asyncio.run(kit.flush())

    assert monotonic() - before < LONG / 3
    assert collector.requests == []


def test_a_text_that_cannot_be_encoded_is_repaired_and_takes_no_other_span_with_it(
    begin: Begin, collector: "Collector", ledger: LedgerOf
) -> None:
    kit = begin(traces_endpoint=collector.endpoint)
    told, tracer = ledger(kit), trace.get_tracer("theirs")

    tracer.start_span("lone surrogate \udcff").end()
    end_spans(1)
    asyncio.run(kit.flush())

    assert told.exported() == 2
    assert [span.name for span in collector.spans()] == ["lone surrogate ?", "theirs"]


def test_what_is_counted_as_sent_is_what_has_arrived(
    begin: Begin, collector: "Collector", ledger: LedgerOf
) -> None:
    kit = begin(traces_endpoint=collector.endpoint, span_batch_size=7)
    told = ledger(kit)

    ask(40)
    kit.shutdown()

    assert (told.exported(), len(collector.spans())) == (40, 40)
