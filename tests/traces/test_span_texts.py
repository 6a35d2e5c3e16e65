"""Texts of spans have an end: of exceptions, groups of them, names and statuses, whatever they hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from observekit.catalogue.metrics import COMPONENTS
from observekit.config import Config
from observekit.guard import Guard
from observekit.traces.encoding import span_bytes
from observekit.traces.hiding import hidden
from observekit.traces.provider import make_provider
from observekit.traces.weight import bytes_of


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[Tracer]:
    made = make_provider(Config(), {}, SimpleSpanProcessor(exporter), Guard(COMPONENTS), lambda _: None)
    yield made.get_tracer("theirs")
    made.shutdown()


def group_of(levels: int, members: int) -> BaseException:
    if not levels:
        return KeyError("innermost")
    return BaseExceptionGroup(f"level {levels}", [group_of(levels - 1, members) for _ in range(members)])


def test_an_exception_of_several_is_told_with_each_of_them_and_with_what_led_to_it(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    first, second = ValueError("no price"), TypeError("no name")
    second.__cause__ = first.__cause__ = OSError("no disk")
    members = [first, second, first, *(KeyError(f"member {number}") for number in range(20))]

    with pytest.raises(ExceptionGroup), tracer.start_as_current_span("theirs"):
        raise ExceptionGroup("all of it", members)

    (ended,) = exporter.get_finished_spans()
    stack = str((ended.events[0].attributes or {})["exception.stacktrace"])
    begin = stack.index("ExceptionGroup: all of it (23 sub-exceptions)")
    shown = [line.strip() for line in stack[begin:].splitlines() if line.strip()]
    assert shown[1:9] == [
        "+- 1 of 23",
        "| OSError: no disk",
        "| The above exception was the direct cause of the following exception:",
        "| ValueError: no price",
        "+- 2 of 23",
        "| TypeError: no name",
        "+- 3 of 23",
        "| KeyError: 'member 0'",
    ]
    assert shown[-1] == "[16 more left out]"


def test_groups_of_groups_and_long_messages_have_an_end(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    class HostileGroup(ExceptionGroup[Exception]):
        @property
        def exceptions(self) -> Any:
            raise RuntimeError("no")

    span = tracer.start_span("theirs")
    for error in (
        group_of(6, 2),
        group_of(2, 100),
        HostileGroup("hostile", [ValueError("inside")]),
        ValueError("x" * 1_000_000),
    ):
        span.record_exception(error)
    span.end()

    (ended,) = exporter.get_finished_spans()
    deep, wide, hostile, _ = [str((one.attributes or {})["exception.stacktrace"]) for one in ended.events]
    assert "level 4" in deep
    assert "level 2" not in deep
    assert wide.count("KeyError") <= 32
    assert hostile.endswith("hostile (1 sub-exception)")


def test_a_status_is_no_longer_than_what_may_leave(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="x"), tracer.start_as_current_span("theirs"):
        raise ValueError("x" * 1_000_000)

    (ended,) = exporter.get_finished_spans()
    assert ended.status.description == "ValueError: " + "x" * (4096 - len("ValueError: "))


def test_texts_are_looked_at_for_secrets_as_far_as_they_may_leave(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    asked: list[str] = []

    def hide(key: str, value: object) -> object:
        asked.append(str(value))
        return hidden(key, value)

    span = tracer.start_span("password=hunter2 " + "x" * 1_000_000)
    span.set_status(StatusCode.ERROR, "password=hunter2 " + "x" * 1_000_000)
    span.add_event("password=hunter2 " + "x" * 1_000_000)
    span.end()
    (ended,) = exporter.get_finished_spans()

    content = span_bytes(ended, hide)

    assert [len(one) for one in asked] == [4096] * 3
    assert (b"hunter2" in content, content.count(b"[redacted]")) == (False, 3)


def test_a_span_weighs_what_its_name_its_keys_and_its_status_weigh(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    tracer.start_span("theirs").end()
    for part in ("name", "key", "status", "event", "key of an event"):
        text = "x" * 1000
        span = tracer.start_span(text if part == "name" else "theirs")
        if part == "key":
            span.set_attribute(text, 1)
        if part == "status":
            span.set_status(StatusCode.ERROR, text)
        if part == "event":
            span.add_event(text)
        if part == "key of an event":
            span.add_event("theirs", {text: 1})
        span.end()

    light, *heavy = map(bytes_of, exporter.get_finished_spans())
    assert [weight - light >= 990 for weight in heavy] == [True] * 5
