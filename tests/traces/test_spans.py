"""A span is OpenTelemetry's to all who use it, and takes whatever it is given without raising."""

from collections import UserString
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer

from observekit.catalogue.metrics import COMPONENTS
from observekit.config import Config
from observekit.guard import Guard
from observekit.traces.encoding import SPAN_BYTES, span_bytes
from observekit.traces.hiding import hidden
from observekit.traces.provider import make_provider

CALLER = SpanContext(1, 2, is_remote=True)


class Watching(SpanProcessor):
    """Sees what a processor of the user's sees, and may do as much."""

    def __init__(self) -> None:
        self.begun: list[Span] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        assert parent_context is None
        self.begun.append(span)
        span.set_attribute("of the processor", "yes")

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    config = Config(span_attribute_limit=8, span_event_limit=4, span_link_limit=4)
    made = make_provider(config, {}, SimpleSpanProcessor(exporter), Guard(COMPONENTS), lambda _: None)
    yield made
    made.shutdown()


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("theirs", "1.2")


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def endless() -> list[Any]:
    made: list[Any] = []
    made.extend([made] * 10)
    return made


def deep(levels: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made


def test_a_span_says_what_was_said_to_it(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    link = Link(CALLER, {"why": "x"})
    with tracer.start_as_current_span(
        "first", kind=SpanKind.CLIENT, attributes={"a": 1}, links=[link]
    ) as span:
        span.set_attribute("b", ["x", "y"])
        span.add_event("something", {"c": 2.5}, timestamp=7)
        span.update_name("second")
        span.set_status(StatusCode.ERROR, "why")
        assert trace.get_current_span() is span

    (ended,) = exporter.get_finished_spans()
    assert (ended.name, ended.kind, dict(ended.attributes or {})) == (
        "second",
        SpanKind.CLIENT,
        {"a": 1, "b": ("x", "y")},
    )
    assert [(one.name, one.timestamp, dict(one.attributes or {})) for one in ended.events] == [
        ("something", 7, {"c": 2.5})
    ]
    assert [(one.context, dict(one.attributes or {})) for one in ended.links] == [(CALLER, {"why": "x"})]
    assert (ended.status.status_code, ended.status.description) == (StatusCode.ERROR, "why")
    assert ended.instrumentation_scope is not None
    assert (ended.instrumentation_scope.name, ended.instrumentation_scope.version) == ("theirs", "1.2")
    assert (ended.end_time or 0) >= (ended.start_time or 0) > 0
    assert '"name": "second"' in ended.to_json()


def test_processors_of_the_user_see_a_span_of_the_sdk(provider: TracerProvider, tracer: Tracer) -> None:
    watching = Watching()
    provider.add_span_processor(watching)

    tracer.start_span("theirs").end()

    assert [(isinstance(one, Span), one.name) for one in watching.begun] == [(True, "theirs")]
    assert [isinstance(one, ReadableSpan) for one in watching.ended] == [True]
    assert dict(watching.ended[0].attributes or {}) == {"of the processor": "yes"}


@pytest.mark.parametrize(
    "value",
    [Hostile(), endless(), deep(5000), {Hostile(): Hostile()}, {1: {2: {3: object()}}}, UserString("x"), 1j],
    ids=["unshowable", "endless", "deep", "unshowable keys", "numbers as keys", "text of its own", "complex"],
)
def test_no_value_raises_or_grows(tracer: Tracer, exporter: InMemorySpanExporter, value: Any) -> None:
    span = tracer.start_span("theirs", attributes={"first": value})
    span.set_attribute("value", value)
    span.set_attributes({"again": value})
    span.add_event("event", {"value": value})
    span.add_link(CALLER, {"value": value})
    span.end()

    (ended,) = exporter.get_finished_spans()
    assert set(ended.attributes or {}) == {"first", "value", "again"}
    assert len(span_bytes(ended, hidden)) <= SPAN_BYTES


@pytest.mark.parametrize("manager", ["start_span", "start_as_current_span"])
def test_an_exception_that_cannot_be_shown_is_the_one_that_propagates(
    tracer: Tracer, exporter: InMemorySpanExporter, manager: str
) -> None:
    error = HostileError()

    with pytest.raises(HostileError) as raised, getattr(tracer, manager)("theirs"):
        raise error

    (ended,) = exporter.get_finished_spans()
    told = dict(ended.events[0].attributes or {})
    assert raised.value is error
    assert told["exception.message"] == "<cannot be shown, RuntimeError>"
    assert ended.status.status_code is StatusCode.ERROR


def test_an_exception_is_told_with_its_causes_and_without_end(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    def fall(levels: int) -> None:
        if not levels:
            raise KeyError("deep down")
        fall(levels - 1)

    def fail() -> None:
        try:
            fall(200)
        except KeyError as error:
            raise ValueError("above") from error

    with pytest.raises(ValueError, match="above"), tracer.start_as_current_span("theirs"):
        fail()

    (ended,) = exporter.get_finished_spans()
    told = dict(ended.events[0].attributes or {})
    stack = str(told["exception.stacktrace"])
    assert (told["exception.type"], told["exception.message"]) == ("ValueError", "above")
    assert (
        stack.index("KeyError: 'deep down'") < stack.index("direct cause") < stack.index("ValueError: above")
    )
    assert "frames left out" in stack


def test_what_is_over_the_limits_is_counted(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    span = tracer.start_span("theirs", attributes={f"first {number}": "x" for number in range(20)})
    span.set_attribute("more", 1)
    span.set_attribute("first 0", "y" * 5000)
    for number in range(10):
        span.add_event(f"event {number}")
        span.add_link(CALLER, {"number": number})
    span.end()

    (ended,) = exporter.get_finished_spans()
    assert len(ended.attributes or {}) == 8
    assert (ended.attributes or {})["first 0"] == "y" * 1024
    assert (ended.dropped_attributes, ended.dropped_events, ended.dropped_links) == (13, 6, 6)
    assert [one.name for one in ended.events] == [f"event {number}" for number in range(6, 10)]


def test_a_span_ends_once_and_changes_no_more(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    span = tracer.start_span("theirs")
    span.end(10)
    span.end(20)
    span.set_attribute("late", 1)
    span.add_event("late")
    span.add_link(CALLER)
    span.update_name("late")
    span.set_status(StatusCode.ERROR)

    (ended,) = exporter.get_finished_spans()
    assert (ended.name, ended.end_time, dict(ended.attributes or {})) == ("theirs", 10, {})
    assert (ended.events, ended.links, ended.status.status_code) == ((), (), StatusCode.UNSET)


def test_what_was_read_of_a_span_stays_as_it_was_while_others_set_more(tracer: Tracer) -> None:
    span: Any = tracer.start_span("busy", attributes={"first": 1})
    read = iter(span.attributes.items())
    known = span.attributes

    span.set_attribute("second", 2)

    assert list(read) == [("first", 1)]
    assert dict(known) == {"first": 1}
    assert dict(span.attributes) == {"first": 1, "second": 2}
    span.end()


def test_a_status_that_is_ok_is_final_and_unset_is_none(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    span = tracer.start_span("theirs")
    span.set_status(StatusCode.ERROR, "first")
    span.set_status(Status(StatusCode.UNSET))
    span.set_status(Status(StatusCode.OK))
    span.set_status(StatusCode.ERROR, "late")
    span.end()

    (ended,) = exporter.get_finished_spans()
    assert ended.status.status_code is StatusCode.OK
