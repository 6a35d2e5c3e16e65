"""Messages: one is a child of its sender, a batch links to all of them, and each is counted and told once."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from opentelemetry import baggage, trace
from opentelemetry.trace import StatusCode

from observekit import annotate, operation

if TYPE_CHECKING:
    from tests.operations.conftest import Seen

TRACE = "12345678901234567890123456789012"
HEADERS = {"traceparent": f"00-{TRACE}-1234567890123456-01", "baggage": "tenant=acme"}
CONSUMED = "messaging_client_consumed_messages_total"
WHERE = "messaging_destination_name=orders messaging_system=rabbitmq"


def test_a_message_is_a_child_of_what_sent_it_and_counted(seen: "Seen") -> None:
    with (
        trace.get_tracer("tests").start_as_current_span("request"),
        seen.kit.messages.publish("rabbitmq", "orders") as headers,
    ):
        pass

    with seen.kit.messages.process("rabbitmq", "orders", headers, message_id="m-1", fields={"order": 7}):
        annotate(rows=12)
        with operation("store"):
            pass

    spans = seen.spans()
    assert spans["send orders"].parent == spans["request"].context
    parent = spans["process orders"].parent
    assert parent is not None
    assert spans["send orders"].context is not None
    assert parent.span_id == spans["send orders"].context.span_id
    assert spans["store"].parent == spans["process orders"].context
    assert dict(spans["process orders"].attributes or {}) == {
        "messaging.system": "rabbitmq",
        "messaging.destination.name": "orders",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": "m-1",
        "order": 7,
    }
    assert seen.samples(CONSUMED) == {WHERE: 1.0}
    assert seen.samples("messaging_process_duration_seconds_count") == {WHERE: 1.0}
    (line,) = seen.events("message")
    wanted = {"messages": 1, "outcome": "ok", "messaging_message_id": "m-1", "order": 7, "rows": 12}
    assert {name: line[name] for name in wanted} == wanted
    assert seen.events("operation") == []


def test_a_message_that_fails_is_counted_by_its_error_and_goes_back_to_the_broker(seen: "Seen") -> None:
    messages = seen.kit.messages

    with pytest.raises(KeyError), messages.process("rabbitmq", "orders", HEADERS):
        raise KeyError("stock")

    assert seen.samples(CONSUMED) == {f"error_type=KeyError {WHERE}": 1.0}
    assert seen.spans()["process orders"].status.status_code is StatusCode.ERROR
    (line,) = seen.events("message")
    assert (line["outcome"], line["exception"]["type"]) == ("error", "KeyError")


def test_a_message_that_is_delivered_again_stays_in_its_trace(seen: "Seen") -> None:
    for again in (False, True):
        with seen.kit.messages.process("rabbitmq", "orders", HEADERS, redelivered=again):
            pass

    spans = seen.all_spans()
    assert [format(span.parent.trace_id, "032x") for span in spans if span.parent] == [TRACE, TRACE]
    attributes = [span.attributes or {} for span in spans]
    assert [one.get("messaging.message.redelivered") for one in attributes] == [None, True]


@pytest.mark.parametrize("settings", [{"trusted": False}, {"age_seconds": 3601}])
def test_a_stranger_or_an_old_message_is_linked_and_brings_nothing(
    seen: "Seen", settings: dict[str, float]
) -> None:
    with seen.kit.messages.process("rabbitmq", "orders", HEADERS, **settings):  # type: ignore[arg-type]  # by name
        assert baggage.get_all() == {}

    (span,) = seen.all_spans()
    assert span.parent is None
    assert [format(link.context.trace_id, "032x") for link in span.links] == [TRACE]


def test_baggage_of_the_sender_is_there_while_its_message_is_processed(seen: "Seen") -> None:
    with seen.kit.messages.process("rabbitmq", "orders", HEADERS):
        assert baggage.get_baggage("tenant") == "acme"

    assert baggage.get_all() == {}


def test_a_batch_is_a_trace_of_its_own_with_a_link_to_each_sender(seen: "Seen") -> None:
    senders = [{"traceparent": f"00-{number:032x}-{number:016x}-01"} for number in range(1, 4)]

    with (
        trace.get_tracer("tests").start_as_current_span("poll"),
        seen.kit.messages.process_batch("kafka", "orders", [*senders, None]),
    ):
        pass

    span = seen.spans()["process orders"]
    assert span.parent is None
    assert [link.context.trace_id for link in span.links] == [1, 2, 3]
    assert (span.attributes or {})["messaging.batch.message_count"] == 4
    assert sum(seen.samples(CONSUMED).values()) == 4
    assert sum(seen.samples("messaging_process_duration_seconds_count").values()) == 1


def test_a_batch_of_thousands_has_a_bounded_number_of_links(seen: "Seen") -> None:
    senders = [{"traceparent": f"00-{number:032x}-{number:016x}-01"} for number in range(1, 5000)]

    with seen.kit.messages.process_batch("kafka", "orders", senders):
        pass

    (span,) = seen.all_spans()
    assert len(span.links) == 128


def test_a_cancelled_message_is_no_error(seen: "Seen") -> None:
    async def consume() -> None:
        with seen.kit.messages.process("rabbitmq", "orders", HEADERS):
            await asyncio.Event().wait()

    async def run() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    assert seen.samples(CONSUMED) == {f"error_type=cancelled {WHERE}": 1.0}
    assert seen.spans()["process orders"].status.status_code is StatusCode.UNSET


def test_messages_that_are_processed_at_once_do_not_mix(seen: "Seen") -> None:
    async def consume(number: int, all_there: asyncio.Barrier) -> None:
        headers = {"traceparent": f"00-{number:032x}-{number:016x}-01"}
        with seen.kit.messages.process("nats", "orders", headers, fields={"number": number}):
            await all_there.wait()
            annotate(seen_by=number)
            with operation(f"work {number}"):
                await all_there.wait()

    async def run() -> None:
        there = asyncio.Barrier(5)
        await asyncio.gather(*(consume(number, there) for number in range(1, 6)))

    asyncio.run(run())

    works = [span for span in seen.all_spans() if span.name.startswith("work")]
    assert {span.name: span.context.trace_id for span in works if span.context} == {
        f"work {number}": number for number in range(1, 6)
    }
    assert {(line["number"], line["seen_by"]) for line in seen.events("message")} == {
        (number, number) for number in range(1, 6)
    }


def test_without_traces_messages_are_counted_and_told(begin: Callable[..., "Seen"]) -> None:
    seen = begin(traces=False)

    with seen.kit.messages.process("rabbitmq", "orders", HEADERS):
        pass

    assert seen.samples(CONSUMED) == {WHERE: 1.0}
    assert len(seen.events("message")) == 1
