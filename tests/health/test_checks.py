"""Whatever a check is and does, it passes or fails, and nothing else happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from observekit.health.check import CheckFunction

if TYPE_CHECKING:
    from tests.health.conftest import Bench


async def passes() -> None:
    await asyncio.sleep(0)


async def answers(*, value: object) -> object:
    return value


class AsyncCall:
    async def __call__(self) -> bool:
        return False

    async def method(self) -> bool:
        return False


def forgot_await() -> Awaitable[object]:
    async def check() -> object:
        return answers(value=False)

    return check()


async def never() -> AsyncIterator[None]:
    for nothing in list[None]():
        yield nothing


async def deep(levels: int) -> object:
    return deep(levels - 1) if levels else True


FUNCTIONS: dict[str, tuple[CheckFunction, str]] = {
    "async, returns nothing": (passes, "ok"),
    "async, says no": (partial(answers, value=False), "failed"),
    "object with async call": (AsyncCall(), "failed"),
    "class of objects with async call": (AsyncCall, "failed"),
    "async method": (AsyncCall().method, "failed"),
    "lambda around async": (lambda: answers(value=True), "ok"),
    "lambda around async that says no": (lambda: answers(value=False), "failed"),
    "async that forgot to await": (forgot_await, "failed"),
    "returns None": (lambda: None, "ok"),
    "returns True": (lambda: True, "ok"),
    "returns False": (lambda: False, "failed"),
    "returns text": (lambda: "PONG", "ok"),
    "returns 0": (lambda: 0, "ok"),
    "is a class": (object, "ok"),
    "is a generator, of which nothing runs": (lambda: (_ for _ in ()), "error"),
    "is an async generator, of which nothing runs": (lambda: (one async for one in never()), "error"),
    "returns an exception": (lambda: ValueError("no"), "error"),
    "returns NotImplemented": (lambda: NotImplemented, "error"),
    "forgot three awaits": (lambda: deep(3), "error"),
}


@pytest.mark.parametrize(("function", "status"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_check_passes_unless_it_returns_false(bench: "Bench", function: CheckFunction, status: str) -> None:
    bench.add(function)

    assert bench.run(bench.ask()) == (status,)


class Odd(BaseException):
    """What nobody expects."""


ERRORS: tuple[BaseException, ...] = (
    ValueError("no"),
    StopIteration(),
    RecursionError(),
    TimeoutError(),
    asyncio.CancelledError(),
    SystemExit(3),
    KeyboardInterrupt(),
    Odd(),
)


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_check_that_raises_fails_and_nothing_else_does(
    bench: "Bench", error: BaseException, asynchronous: bool
) -> None:
    async def raises_on_loop() -> None:
        raise error

    def raises_on_thread() -> None:
        raise error

    bench.add(raises_on_loop if asynchronous else raises_on_thread)
    bench.add(passes, "other")

    results = bench.run(bench.engine.ask("readiness")).results

    assert [result.status for _, result in results] == ["failed", "ok"]
    told = results[0][1].error
    # Python itself turns a StopIteration of a coroutine into a RuntimeError.
    assert told is error or (isinstance(told, RuntimeError) and told.__cause__ is error)
