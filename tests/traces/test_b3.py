"""B3, read and written as its specification says, in one header or in several."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from observekit.traces.b3 import B3
from observekit.traces.propagation import HeaderGetter, propagator

TRACE = "80f198ee56343ba864fe8b2a57d3eff7"
SPAN = "e457b5a2e4d86bd1"


def read(*headers: tuple[str, str]) -> tuple[str, str, bool] | None:
    carrier: dict[str, list[str]] = {}
    for name, value in headers:
        carrier.setdefault(name, []).append(value)
    found = get_current_span(B3(several=False).extract(carrier, None, HeaderGetter())).get_span_context()
    if not found.is_valid:
        return None
    assert found.is_remote
    return f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([("b3", f"{TRACE}-{SPAN}-1")], (TRACE, SPAN, True)),
        ([("b3", f"{TRACE}-{SPAN}-0")], (TRACE, SPAN, False)),
        ([("b3", f"{TRACE}-{SPAN}-d")], (TRACE, SPAN, True)),
        ([("b3", f"{TRACE}-{SPAN}")], (TRACE, SPAN, False)),
        ([("b3", f"{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90")], (TRACE, SPAN, True)),
        ([("b3", f"{TRACE[16:]}-{SPAN}-1")], ("0" * 16 + TRACE[16:], SPAN, True)),
        ([("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")], (TRACE, SPAN, True)),
        ([("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "true")], (TRACE, SPAN, True)),
        ([("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-flags", "1")], (TRACE, SPAN, True)),
        ([("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "0")], (TRACE, SPAN, False)),
        ([("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)], (TRACE, SPAN, False)),
    ],
)
def test_a_valid_context_is_read(headers: list[tuple[str, str]], wanted: Any) -> None:
    assert read(*headers) == wanted


@pytest.mark.parametrize(
    "headers",
    [
        [("b3", "0")],
        [("b3", "")],
        [("b3", f"{TRACE}-{SPAN}-2")],
        [("b3", f"{TRACE.upper()}-{SPAN}-1")],
        [("b3", f"{'0' * 32}-{SPAN}-1")],
        [("b3", f"{TRACE}-{'0' * 16}-1")],
        [("b3", f"{TRACE[1:]}-{SPAN}-1")],
        [("b3", f"{TRACE}-{SPAN}-1-parent")],
        [("b3", f"{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90-more")],
        [("b3", f"{TRACE}-{SPAN}-1" + "-" * 60_000)],
        [("b3", f"{TRACE}-{SPAN}-1"), ("b3", f"{TRACE}-{SPAN}-1")],
        [("x-b3-traceid", TRACE)],
        [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "yes")],
        [("x-b3-traceid", TRACE), ("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)],
    ],
)
def test_an_invalid_context_is_none(headers: list[tuple[str, str]]) -> None:
    assert read(*headers) is None


@given(
    st.lists(st.tuples(st.sampled_from(sorted(B3(several=True).fields)), st.text(max_size=90)), max_size=6)
)
def test_no_header_raises(headers: list[tuple[str, str]]) -> None:
    read(*headers)


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans(), st.booleans())
def test_what_is_written_is_what_is_read(trace: int, span: int, sampled: bool, several: bool) -> None:
    current = NonRecordingSpan(SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(sampled)))
    written: dict[str, str] = {}

    B3(several=several).inject(written, set_span_in_context(current))

    assert len(written) == (3 if several else 1)
    assert read(*written.items()) == (f"{trace:032x}", f"{span:016x}", sampled)


def test_nothing_is_written_without_a_span() -> None:
    written: dict[str, str] = {}

    B3(several=True).inject(written)

    assert written == {}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("b3",), {"b3"}),
        (("b3multi",), {"x-b3-traceid", "x-b3-spanid", "x-b3-sampled"}),
        (("tracecontext", "b3"), {"traceparent", "b3"}),
        (("none",), set()),
    ],
)
def test_propagators_are_those_that_are_named(names: tuple[str, ...], wanted: set[str]) -> None:
    current = NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)))
    written: dict[str, str] = {}

    propagator(names).inject(written, set_span_in_context(current))

    assert written.keys() == wanted
