"""Operations around generators: nothing is current between two values, whoever ends them, and where."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, get_current_span

from observekit import ObserveMiddleware, operation

if TYPE_CHECKING:
    from tests.operations.conftest import Seen

COUNT = "operation_duration_seconds_count"


def span_of(name: str) -> Any:
    """Begin a span as the application does, with the provider of now."""
    return trace.get_tracer("tests").start_as_current_span(name)


@operation("rows")
def rows(count: int) -> Iterator[int]:
    for number in range(count):
        with span_of(f"row {number}"):
            yield number


@operation("rows")
async def stream(count: int) -> AsyncIterator[int]:
    for number in range(count):
        with span_of(f"row {number}"):
            yield number


def test_what_is_decorated_stays_what_it_is() -> None:
    @operation("one")
    async def one() -> None: ...

    assert isgeneratorfunction(rows)
    assert isasyncgenfunction(stream)
    assert iscoroutinefunction(one)
    assert rows.__name__ == "rows"


def test_nothing_is_current_between_the_values_of_a_generator(seen: "Seen") -> None:
    for number in rows(2):
        assert get_current_span() is INVALID_SPAN
        with span_of(f"consumer {number}"):
            pass

    spans = seen.spans()
    assert spans["consumer 0"].parent is None
    assert [spans[f"row {number}"].parent for number in range(2)] == [spans["rows"].context] * 2
    assert seen.samples(COUNT) == {"operation=rows outcome=ok": 1.0}


def test_nothing_is_current_between_the_values_of_an_asynchronous_generator(seen: "Seen") -> None:
    async def consume() -> None:
        async for number in stream(2):
            assert get_current_span() is INVALID_SPAN
            with span_of(f"consumer {number}"):
                await asyncio.sleep(0)

    asyncio.run(consume())

    spans = seen.spans()
    assert spans["consumer 1"].parent is None
    assert [spans[f"row {number}"].parent for number in range(2)] == [spans["rows"].context] * 2


def test_a_span_that_is_open_across_a_value_is_current_again_after_it(seen: "Seen") -> None:
    @operation("outer")
    def within() -> Iterator[int]:
        with span_of("open"):
            yield 1
            with span_of("after"):
                yield 2

    assert list(within()) == [1, 2]

    spans = seen.spans()
    assert spans["after"].parent == spans["open"].context
    assert spans["open"].parent == spans["outer"].context


def test_values_and_exceptions_that_are_sent_in_arrive_and_the_result_comes_out(seen: "Seen") -> None:
    @operation("talk")
    def talk() -> Any:
        got = yield "first"
        try:
            yield got
        except KeyError as error:
            yield repr(error)
        return "end"

    talking = talk()
    assert [next(talking), talking.send("sent"), talking.throw(KeyError("x"))] == [
        "first",
        "sent",
        "KeyError('x')",
    ]
    with pytest.raises(StopIteration) as told:
        next(talking)

    assert told.value.value == "end"


def test_values_and_exceptions_that_are_sent_in_arrive_asynchronously_too(seen: "Seen") -> None:
    @operation("talk")
    async def talk() -> Any:
        got = yield "first"
        try:
            yield got
        except KeyError as error:
            yield repr(error)

    async def speak() -> list[Any]:
        talking = talk()
        said = [await anext(talking), await talking.asend("sent"), await talking.athrow(KeyError("x"))]
        with pytest.raises(StopAsyncIteration):
            await anext(talking)
        return said

    assert asyncio.run(speak()) == ["first", "sent", "KeyError('x')"]
    assert seen.samples(COUNT) == {"operation=talk outcome=ok": 1.0}


def test_a_generator_that_fails_is_an_error(seen: "Seen") -> None:
    @operation("fail")
    def fail() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(fail())

    assert seen.samples(COUNT) == {"operation=fail outcome=error": 1.0}


def test_a_consumer_that_leaves_early_cancels(seen: "Seen") -> None:
    for _ in rows(5):
        break
    gc.collect()

    assert seen.samples(COUNT) == {"operation=rows outcome=cancelled": 1.0}
    assert get_current_span() is INVALID_SPAN


def test_an_asynchronous_generator_may_be_closed_by_another_task(
    seen: "Seen", caplog: pytest.LogCaptureFixture
) -> None:
    async def abandon() -> None:
        stream_of_rows: Any = stream(5)
        await anext(stream_of_rows)
        await asyncio.create_task(stream_of_rows.aclose())
        left: Any = stream(5)
        await anext(left)
        del left
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(abandon())

    assert seen.samples(COUNT) == {"operation=rows outcome=cancelled": 2.0}
    assert [record for record in caplog.records if "operation" in record.name] == []


def test_an_operation_that_ends_in_another_task_is_counted_and_takes_nothing_away(
    seen: "Seen", caplog: pytest.LogCaptureFixture
) -> None:
    async def open_across_a_value() -> AsyncIterator[int]:
        with operation("open"):
            yield 1

    async def close_elsewhere() -> None:
        one: Any = open_across_a_value()
        await anext(one)

        async def close() -> None:
            with span_of("theirs") as theirs:
                await one.aclose()
                assert get_current_span() is theirs

        await asyncio.create_task(close())

    asyncio.run(close_elsewhere())

    assert seen.samples("observekit_context_mistakes_total") == {"reason=ended_elsewhere": 1.0}
    assert seen.samples(COUNT) == {"operation=open outcome=cancelled": 1.0}
    assert caplog.records == []


def test_a_streamed_response_that_is_cancelled_leaves_nothing_behind(
    seen: "Seen", ask: Callable[[Any], int]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for number in stream(3):
            if number == 1:
                break
        await send({"type": "http.response.body", "body": b""})

    assert ask(ObserveMiddleware(app)) == 200

    spans = seen.spans()
    assert spans["rows"].parent == spans["GET"].context


def test_a_span_of_opentelemetrys_that_ends_in_another_task_is_counted_without_a_traceback(
    seen: "Seen", caplog: pytest.LogCaptureFixture
) -> None:
    async def open_across() -> AsyncIterator[int]:
        with span_of("open"):
            yield 1

    async def run() -> None:
        values = open_across()
        await asyncio.create_task(anext(values))  # type: ignore[arg-type]  # an awaitable is one here
        await asyncio.create_task(values.aclose())  # type: ignore[attr-defined]  # of a generator

    asyncio.run(run())

    assert seen.samples("observekit_context_mistakes_total") == {"reason=ended_elsewhere": 1.0}
    assert caplog.records == []
    assert seen.spans().keys() == {"open"}
