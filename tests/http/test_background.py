"""What an application does after the last byte: told apart from the time its client has waited."""

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit.http.exchange import Exchange
from observekit.http.signals import BACKGROUND_SECONDS

if TYPE_CHECKING:
    from tests.http.conftest import Bench


def background(bench: "Bench") -> dict[tuple[str, ...], float]:
    """Return the background seconds of each route."""
    return {labels: cell.sum for labels, cell in bench.instruments.requests.background.series()}


def _wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


async def nobody(*_: Any) -> Any:
    raise AssertionError


def test_a_background_task_is_told_as_background_time(bench: "Bench") -> None:
    spent: list[float] = []

    def work() -> None:
        began = perf_counter()
        _wait_until(lambda: perf_counter() - began > 2 * BACKGROUND_SECONDS)
        spent.append(perf_counter() - began)

    def answer(request: Any) -> PlainTextResponse:
        return PlainTextResponse("x", background=BackgroundTask(work))

    before = perf_counter()
    bench.call(Starlette(routes=[Route("/x/{y}", answer)]), "/x/1")
    whole = perf_counter() - before

    told = background(bench)
    assert told.keys() == {("/x/{y}",)}
    assert spent[0] <= told["/x/{y}",] <= whole - bench.seconds()


def test_a_task_that_fails_or_is_cancelled_has_taken_its_time_too(bench: "Bench") -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})
        answered = perf_counter()
        _wait_until(lambda: perf_counter() - answered > 2 * BACKGROUND_SECONDS)
        raise ValueError("in the background")

    bench.call(app)

    assert background(bench)["_unmatched",] > 2 * BACKGROUND_SECONDS


@pytest.mark.parametrize(("seconds", "routes"), [(0.0, set()), (0.001, set()), (0.0011, {("/x",)})])
def test_what_any_framework_needs_to_return_is_no_background_work(
    bench: "Bench", seconds: float, routes: set[tuple[str, ...]]
) -> None:
    exchange = Exchange(nobody, nobody)
    exchange.close()
    exchange.background = seconds

    bench.instruments.requests.record(exchange, "GET", "/x", None)

    assert background(bench).keys() == routes


def test_a_response_that_never_ends_has_no_time_after_its_end(bench: "Bench") -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        began = perf_counter()
        _wait_until(lambda: perf_counter() - began > 2 * BACKGROUND_SECONDS)

    bench.call(app)

    assert background(bench) == {}
