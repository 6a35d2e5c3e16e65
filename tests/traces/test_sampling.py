"""Each sampler that OTEL_TRACES_SAMPLER can name decides as its name says, the same in every service."""

from collections.abc import Callable
from math import sqrt

import pytest
from opentelemetry import trace
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from observekit import Kit
from observekit.config import load

Begin = Callable[..., Kit]

RECORDED = 1
LOW = 1  # A trace id below any bound but that of nothing.
HIGH = (1 << 128) - 1


def sampled(trace_id: int | None, flags: int = 0) -> bool:
    """Whether a span is, in a trace that somebody else has begun, or in one of its own."""
    context = None
    if trace_id is not None:
        caller = SpanContext(trace_id, 1, is_remote=True, trace_flags=TraceFlags(flags))
        context = set_span_in_context(NonRecordingSpan(caller))
    return trace.get_tracer("tests").start_span("x", context).get_span_context().trace_flags.sampled


@pytest.mark.parametrize(
    ("name", "alone", "of_a_sampled", "of_an_unsampled"),
    [
        ("always_on", True, True, True),
        ("always_off", False, False, False),
        ("traceidratio", None, False, True),
        ("parentbased_always_on", True, True, False),
        ("parentbased_always_off", False, True, False),
        ("parentbased_traceidratio", None, True, False),
    ],
)
def test_a_sampler_decides_as_its_name_says(
    begin: Begin, name: str, alone: bool | None, of_a_sampled: bool, of_an_unsampled: bool
) -> None:
    config = load({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": "0.5"}).config
    begin(traces_sampler=config.traces_sampler, traces_sample_ratio=config.traces_sample_ratio)

    assert alone is None or sampled(None) is alone
    assert sampled(HIGH, RECORDED) is of_a_sampled
    assert sampled(LOW) is of_an_unsampled


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.5, 1.0])
def test_the_share_of_sampled_traces_is_the_ratio(begin: Begin, ratio: float) -> None:
    begin(traces_sampler="parentbased_traceidratio", traces_sample_ratio=ratio)
    number = 20_000

    found = sum(sampled(None) for _ in range(number))

    # Six standard deviations: one in a billion runs would be outside by chance.
    assert abs(found - number * ratio) <= 6 * sqrt(number * ratio * (1 - ratio))


def test_services_with_the_same_ratio_decide_the_same_on_each_trace(begin: Begin) -> None:
    kit = begin(traces_sampler="traceidratio", traces_sample_ratio=0.3)
    traces = [trace.get_tracer("tests").start_span("x").get_span_context().trace_id for _ in range(500)]
    first = [sampled(trace_id) for trace_id in traces]
    kit.shutdown()

    begin(traces_sampler="traceidratio", traces_sample_ratio=0.3)
    second = [sampled(trace_id) for trace_id in traces]

    assert first == second
    assert 50 < sum(first) < 300


def test_what_is_not_sampled_has_ids_and_passes_them_on(begin: Begin) -> None:
    kit = begin(traces_sampler="always_off")

    with trace.get_tracer("tests").start_as_current_span("outer") as span:
        headers: dict[str, str] = kit.context.inject({})
        context = span.get_span_context()

        assert get_current_span() is span
        assert not span.is_recording()
        assert headers["traceparent"][3:52] == f"{context.trace_id:032x}-{context.span_id:016x}"
