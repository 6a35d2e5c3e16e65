"""Context that cannot be read is counted by its reason, and its text is nowhere."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate
from opentelemetry.context import Context

from observekit import Kit
from observekit.traces.propagation import Baggage, HeaderGetter, read_baggage

Begin = Callable[..., Kit]

VALID = "00-12345678901234567890123456789012-1234567890123456-01"


def refused(kit: Kit) -> dict[str, float]:
    families = {one.name: one for one in kit.registry.collect()}
    samples = families["observekit_context_refused"].samples
    return {one.labels["reason"]: one.value for one in samples if one.value}


@pytest.mark.parametrize(
    ("headers", "reasons"),
    [
        ({}, {}),
        ({"traceparent": [VALID], "tracestate": ["foo=1"], "baggage": ["a=b"]}, {}),
        ({"traceparent": [VALID], "tracestate": [""], "baggage": [" "]}, {}),
        ({"traceparent": ["hostile"]}, {"traceparent": 1.0}),
        ({"traceparent": [f"cc{VALID[2:]}-{'x' * 1000}"]}, {"traceparent": 1.0}),
        ({"traceparent": [VALID, VALID]}, {"traceparent_twice": 1.0}),
        ({"traceparent": [VALID], "tracestate": ["hostile"]}, {"tracestate": 1.0}),
        ({"baggage": ["a=" + "b" * 9000]}, {"baggage": 1.0}),
        ({"baggage": [","] * 8190}, {"baggage": 1.0}),
        ({"b3": ["hostile"]}, {"b3": 1.0}),
        ({"b3": ["0"]}, {}),
        ({"b3": [" "], "x-b3-sampled": ["0"]}, {}),
        ({"x-b3-traceid": ["hostile"], "x-b3-spanid": ["hostile"]}, {"b3": 1.0}),
        ({"b3": ["0" * 8, "hostile"]}, {"b3": 1.0}),
    ],
)
def test_each_refusal_is_counted_once_by_its_reason(
    begin: Begin, caplog: pytest.LogCaptureFixture, headers: dict[str, list[str]], reasons: dict[str, float]
) -> None:
    kit = begin(propagators=("tracecontext", "baggage", "b3"))

    propagate.extract(headers, Context(), HeaderGetter())

    assert refused(kit) == reasons
    assert "hostile" not in caplog.text


def test_baggage_over_the_limits_is_not_passed_on_and_counted() -> None:
    told: list[str] = []
    many, large = Context(), Context()
    for number in range(100):
        many = baggage.set_baggage(f"key{number}", "x", many)
    for number in range(10):
        large = baggage.set_baggage(f"key{number}", "x" * 1000, large)

    written: list[dict[str, str]] = [{}, {}]
    for headers, context in zip(written, (many, large), strict=True):
        Baggage(told.append).inject(headers, context)

    assert told == ["baggage_of_ours"] * 2
    assert len(read_baggage([written[0]["baggage"]])) == 64
    assert list(read_baggage([written[1]["baggage"]])) == [f"key{number}" for number in range(8)]


def test_baggage_of_ours_that_cannot_be_written_is_counted(begin: Begin) -> None:
    kit = begin(trust_outgoing=("always",))

    propagate.inject({}, baggage.set_baggage("not a token", "x", Context()))

    assert refused(kit) == {"baggage_of_ours": 1.0}


keys = st.text("abcXYZ09!#$%&'*+-.^_`|~", min_size=1, max_size=20)


@given(st.dictionaries(keys, st.text(max_size=60), max_size=70))
def test_whatever_is_set_is_written_within_the_limits_and_read_again(members: dict[str, str]) -> None:
    context = Context()
    for key, value in members.items():
        context = baggage.set_baggage(key, value, context)
    written: dict[str, str] = {}

    Baggage().inject(written, context)

    header = written.get("baggage", "")
    assert len(header) <= 8192
    assert header.isascii()
    found = read_baggage([header]) if header else {}
    assert found.items() <= members.items()
    assert len(found) == len(members) or len(found) == 64 or len(header) > 7000
