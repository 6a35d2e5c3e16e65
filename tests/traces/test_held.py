"""What is held of traces that nobody sampled is bounded, goes with its root, and is missing by a count."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from observekit import Kit, operation
from tests.traces.kept import decided, sent

if TYPE_CHECKING:
    from tests.traces.conftest import Collector

pytestmark = pytest.mark.once

Begin = Callable[..., Kit]


def test_of_a_large_trace_that_fails_what_has_room_is_sent_and_the_root_says_how_much_is_missing(
    keeping: Kit, collector: "Collector"
) -> None:
    with operation("root"):
        for number in range(300):
            # Each lost one is the parent of another, and the one that fails is lost too.
            with operation(f"middle {number}"), operation(f"inner {number}"):
                pass
        with pytest.raises(ValueError, match="late"), operation("failing"):
            raise ValueError("late")

    assert decided(keeping) == {"error": 1.0, "truncated": 1.0}
    arrived = sent(keeping, collector)
    assert len(arrived) == 257
    assert set(arrived.values()) == {"error"}
    (root,) = [span for span in collector.spans() if span.name == "root"]
    missing = {one.key: one.value.int_value for one in root.attributes}["observekit.spans_missing"]
    assert missing == 601 - 256


def test_nothing_of_a_trace_is_held_after_its_root(begin: Begin, collector: "Collector") -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="always_off",
        keep_errors=True,
        span_queue_size=300,
        span_batch_size=10,
    )
    with operation("large"):
        for number in range(300):
            with operation(f"middle {number}"), operation(f"inner {number}"):
                pass
    for _ in range(3):
        with operation("next"):
            for _ in range(250):
                with operation("below"):
                    pass

    # Were anything left of the first, it would have had to go for the others.
    assert decided(kit) == {"ordinary": 4.0}


def test_a_chain_that_is_deeper_than_what_is_held_belongs_to_its_root(
    keeping: Kit, collector: "Collector"
) -> None:
    tracer = trace.get_tracer("tests")
    chain = [tracer.start_span("root")]
    for number in range(400):
        chain.append(tracer.start_span(f"level {number}", trace.set_span_in_context(chain[-1])))
    chain[-1].set_status(StatusCode.ERROR)
    for span in reversed(chain):
        span.end()

    assert decided(keeping) == {"error": 1.0, "truncated": 1.0}
    assert len(sent(keeping, collector)) == 257


def test_what_is_held_is_bounded_by_its_bytes(begin: Begin, collector: "Collector") -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="always_off",
        keep_errors=True,
        span_queue_bytes=100_000,
        span_attribute_length_limit=50_000,
    )
    tracer = trace.get_tracer("tests")
    values: tuple[Any, ...] = (
        "x" * 10_000,
        ["x" * 100] * 40,
        b"x" * 10_000,
        {"within": "x" * 10_000, "number": 7},
    )
    for data in values:
        for _ in range(10):
            root = trace.set_span_in_context(tracer.start_span("never ends"))
            tracer.start_span("child", root, attributes={"data": data, "count": 1}).end()

    # Of each kind about ten kilobytes: some eight are held.
    assert 28 <= decided(kit)["evicted"] <= 34


def test_one_span_that_is_too_large_to_be_held_puts_out_no_other_and_its_error_counts(
    begin: Begin, collector: "Collector"
) -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="always_off",
        keep_errors=True,
        span_queue_bytes=100_000,
        span_attribute_length_limit=90_000,
    )
    with operation("root"):
        with operation("small"):
            pass
        with pytest.raises(ValueError, match="x"), operation("large", fields={"data": "x" * 90_000}):
            raise ValueError("x")

    assert decided(kit) == {"error": 1.0, "truncated": 1.0}
    assert sent(kit, collector) == {"small": "error", "root": "error"}


def test_events_and_links_are_weighed_too(begin: Begin, collector: "Collector") -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="always_off",
        keep_errors=True,
        span_queue_bytes=100_000,
    )
    tracer = trace.get_tracer("tests")
    for _ in range(20):
        root = tracer.start_span("never ends")
        links = [trace.Link(root.get_span_context())] * 8
        child = tracer.start_span("child", trace.set_span_in_context(root), links=links)
        for _ in range(8):
            child.add_event("something", {"kind": "x"})
        child.end()

    assert decided(kit)["evicted"] >= 8


def test_what_found_no_room_in_a_span_is_said_of_it_when_it_is_kept(
    begin: Begin, collector: "Collector"
) -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="always_off",
        keep_errors=True,
        span_attribute_limit=2,
        span_event_limit=1,
        span_link_limit=1,
    )
    tracer = trace.get_tracer("tests")
    other = trace.Link(tracer.start_span("other").get_span_context())
    root = tracer.start_span("root", attributes={"a": 1, "b": 2, "c": 3}, links=[other, other])
    for _ in range(3):
        root.add_event("again")
    root.set_status(StatusCode.ERROR)
    root.end()
    kit.shutdown()

    (span,) = collector.spans()
    left_out = (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count)
    assert left_out == (1, 2, 1)


def test_a_million_spans_that_nobody_decides_on_have_limited_memory(
    begin: Begin, collector: "Collector"
) -> None:
    kit = begin(
        traces_endpoint=collector.endpoint,
        traces_sampler="always_off",
        keep_errors=True,
        span_queue_size=100,
        span_batch_size=10,
    )
    tracer = trace.get_tracer("tests")
    for _ in range(20):
        root = trace.set_span_in_context(tracer.start_span("never ends"))
        for _ in range(50):
            tracer.start_span("child", root).end()

    assert decided(kit) == {"evicted": 18.0}
