"""Spans are written as OpenTelemetry's encoder writes them, byte for byte, and so that any value can be."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from observekit.traces.encoding import SPAN_BYTES, group_of, request_bytes, span_bytes
from observekit.traces.hiding import hidden

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
INTS = st.integers(-(1 << 63), (1 << 63) - 1)
PLAIN = st.one_of(st.none(), st.booleans(), TEXT, INTS, st.floats(), st.binary(max_size=20))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=8)
TIMES = st.integers(0, (1 << 64) - 1)
STATES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "x", "y z"]), max_size=3).map(
    lambda members: TraceState(list(members.items()))
)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(1, (1 << 128) - 1),
    st.integers(1, (1 << 64) - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(3)]),
    STATES,
)
STATUSES = st.one_of(
    st.just(Status()), st.just(Status(StatusCode.OK)), st.builds(Status, st.just(StatusCode.ERROR), TEXT)
)
SCOPES = st.builds(InstrumentationScope, TEXT, st.none() | TEXT, st.none() | TEXT, st.none() | ATTRIBUTES)
RESOURCES = st.builds(Resource, ATTRIBUTES, TEXT)
SPANS = st.builds(
    ReadableSpan,
    name=TEXT,
    context=CONTEXTS,
    parent=st.none() | CONTEXTS,
    resource=RESOURCES,
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Event, TEXT, ATTRIBUTES, TIMES), max_size=3),
    links=st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=3),
    kind=st.sampled_from(SpanKind),
    status=STATUSES,
    start_time=TIMES,
    end_time=TIMES,
    instrumentation_scope=SCOPES,
)


def request(spans: list[ReadableSpan]) -> bytes:
    return request_bytes(
        (group_of(one.resource, one.instrumentation_scope), span_bytes(one)) for one in spans
    )


def span(attributes: dict[str, Any] | None = None, **more: Any) -> ReadableSpan:
    context = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1))
    return ReadableSpan("name", context, resource=Resource({}), attributes=attributes, **more)


def read(content: bytes) -> Any:
    return Message.FromString(content)


@given(SPANS)
@settings(deadline=None)
def test_a_span_has_the_bytes_that_opentelemetry_gives_it(one: ReadableSpan) -> None:
    assert request([one]) == encode_spans([one]).SerializeToString()


@given(st.lists(RESOURCES, min_size=1, max_size=2), st.lists(SCOPES, min_size=1, max_size=2), st.data())
@settings(max_examples=40, deadline=None)
def test_spans_of_one_scope_are_put_together_and_all_have_what_opentelemetry_gives_each_alone(
    resources: list[Resource], scopes: list[InstrumentationScope], data: Any
) -> None:
    spans = [
        ReadableSpan(
            f"{number}",
            SpanContext(number + 1, 1, is_remote=False),
            resource=data.draw(st.sampled_from(resources)),
            instrumentation_scope=data.draw(st.sampled_from(scopes)),
        )
        for number in range(4)
    ]

    ours = by_scope(request(spans))
    alone = [by_scope(encode_spans([one]).SerializeToString())[0] for one in spans]

    assert sorted((*scope, one) for *scope, found in ours for one in found) == sorted(
        (*scope, one) for *scope, (one,) in alone
    )
    assert len({(resource, scope) for resource, scope, _ in ours}) == len(ours)


def by_scope(content: bytes) -> list[tuple[bytes, bytes, list[bytes]]]:
    """Return resource, scope and spans of each group of *content*, all as bytes."""
    return [
        (
            group.resource.SerializeToString() + group.schema_url.encode(),
            one.scope.SerializeToString() + one.schema_url.encode(),
            [span.SerializeToString() for span in one.spans],
        )
        for group in ExportTraceServiceRequest.FromString(content).resource_spans
        for one in group.scope_spans
    ]


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("lone \udcff", "lone ?"),
        (1 << 63, hex(1 << 63)),
        (10**40, hex(10**40)),
        (Unshowable(), "<cannot be shown, RuntimeError>"),
        ({1, 2}, "{1, 2}"),
    ],
)
def test_a_value_that_otlp_has_no_form_for_is_told_as_text(value: object, shown: str) -> None:
    (attribute,) = read(span_bytes(span({"odd": value}))).attributes

    assert attribute.value.string_value == shown


def test_a_value_in_itself_ends_somewhere() -> None:
    endless: list[Any] = []
    endless.append(endless)

    content = span_bytes(span({"endless": endless}), hidden)

    assert b"<too deep>" in content


def test_a_span_has_no_more_bytes_than_it_may_and_says_what_is_missing() -> None:
    context = SpanContext(1, 2, is_remote=False)
    large = span(
        {f"key{number}": "x" * 1000 for number in range(1000)},
        events=[Event(f"event{number}", {"text": "ü" * 1000}) for number in range(1000)],
        links=[Link(context, {"text": "z" * 1000}) for _ in range(1000)],
    )

    content = span_bytes(large)

    told = read(content)
    assert SPAN_BYTES - 1000 < len(content) <= SPAN_BYTES
    assert len(told.attributes) + told.dropped_attributes_count == 1000
    assert len(told.events) + told.dropped_events_count == 1000
    assert len(told.links) + told.dropped_links_count == 1000


def test_a_text_that_is_too_long_for_its_span_is_cut_between_characters() -> None:
    (attribute,) = read(span_bytes(span({"text": "ü" * SPAN_BYTES}))).attributes

    assert set(attribute.value.string_value) == {"ü"}
    assert len(attribute.value.string_value) > SPAN_BYTES / 2 - 200


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("password", "hunter2", "[redacted]"),
        ("db.pin_code", 1234, "[redacted]"),
        ("db.row_count", 1234, 1234),
        ("api_key", 1234, "[redacted]"),
        ("db.query.text", "SET password='hunter2'", "SET password='[redacted]'"),
        ("url.full", "https://me:hunter2@example.com/", "https://[redacted]@example.com/"),
        ("note", "nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_do_not_leave_in_attributes(key: str, value: Any, shown: Any) -> None:
    (attribute,) = read(span_bytes(span({key: value}), hidden)).attributes

    found = attribute.value
    assert getattr(found, found.WhichOneof("value")) == shown


def test_secrets_do_not_leave_in_events_names_descriptions_or_deeper_down() -> None:
    secret = "token=hunter2"  # noqa: S105 -- of the test
    one = span(
        {"list": [secret, [secret]], "map": {"a": {"password": "hunter2"}}},
        events=[Event("exception", {"exception.message": secret})],
        status=Status(StatusCode.ERROR, secret),
    )
    one._name = secret

    assert b"hunter2" not in span_bytes(one, hidden)
