"""Headers of messages, as the clients of brokers have them, carry the context within limits."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context, trace
from opentelemetry.trace import get_current_span

from observekit.operations.context import ContextTools
from observekit.traces.propagation import propagator

if TYPE_CHECKING:
    from tests.operations.conftest import Seen

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
        current = get_current_span().get_span_context()
        context.detach(token)

    found = seen.kit.context.extract(carrier(headers))

    read = get_current_span(found).get_span_context()
    assert (read.trace_id, read.span_id) == (current.trace_id, current.span_id)
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
    tools = ContextTools(propagator(("tracecontext", "baggage", "b3")), lambda: None)

    assert isinstance(tools.extract(headers), context.Context)
