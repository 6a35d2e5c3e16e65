"""Applications that live more than once, or without a lifespan, as in a test-suite."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import Kit, instrument

Make = Callable[..., Kit]


def _shop() -> Starlette:
    return Starlette(routes=[Route("/items", lambda _: PlainTextResponse("tea"))])


def _get(app: Any, *paths: str) -> list[str]:
    """Ask as a client does that runs no lifespan."""

    async def ask() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return [(await client.get(path)).text for path in paths]

    return asyncio.run(ask())


def _live(app: Any, during: Callable[[], None] | None = None) -> None:
    """Run the lifespan of *app* from its start to its end, and *during* it what is given."""
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, str]:
        if len(incoming) == 1 and during is not None:
            during()
        return incoming.pop(0)

    async def send(_: object) -> None:
        return

    asyncio.run(app({"type": "lifespan", "state": {}}, receive, send))


@pytest.mark.parametrize("paths", [("/items", "/readyz"), ("/readyz",)])
def test_an_application_that_answers_after_its_end_is_ready_again(make_kit: Make, paths: tuple[str]) -> None:
    kit, app = make_kit(logs="off", traces=False), _shop()
    instrument(app)
    _live(app)
    ended = kit.lifecycle.state

    told = _get(app, *paths)

    assert (ended, told[-1], kit.lifecycle.state) == ("stopped", "ok\n", "ready")


def test_what_such_an_application_logs_is_written_in_each_life(
    make_kit: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    kit, app = make_kit(log_format="json", traces=False), _shop()
    instrument(app)
    for _ in range(2):
        _live(app)
        _get(app, "/items")
    kit.shutdown()

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    ways = [(line["from"], line["to"]) for line in lines if line["event"] == "lifecycle.changed"]
    assert [line["event"] for line in lines].count("http.request") == 2
    assert ways[-3:] == [("stopped", "starting"), ("starting", "ready"), ("ready", "stopped")]


def test_a_service_that_was_told_to_stop_stays_so(make_kit: Make) -> None:
    kit, app = make_kit(logs="off", traces=False), _shop()
    instrument(app)
    _get(app, "/items")
    kit.lifecycle.stop("somebody said so")

    assert _get(app, "/items", "/readyz") == ["tea", "stopped\n"]


@pytest.mark.parametrize("end", [Kit.shutdown, lambda kit: kit.lifecycle.stop("by hand")])
@pytest.mark.parametrize("before", [True, False], ids=["before the lifespan ends", "after it"])
def test_a_service_that_was_told_to_stop_is_not_revived_by_a_request_after_its_lifespan(
    make_kit: Make, end: Callable[[Kit], None], before: bool
) -> None:
    kit, app = make_kit(logs="off", traces=False), _shop()
    instrument(app)
    _live(app, during=(lambda: end(kit)) if before else None)
    if not before:
        end(kit)

    told = _get(app, "/items", "/readyz")

    assert (told, kit.lifecycle.state) == (["tea", "stopped\n"], "stopped")


def test_a_service_that_was_told_to_stop_may_be_started_again(make_kit: Make) -> None:
    kit, app = make_kit(logs="off", traces=False), _shop()
    instrument(app)
    kit.lifecycle.stop("by hand")

    _live(app)

    assert (_get(app, "/readyz"), kit.lifecycle.state) == (["ok\n"], "ready")


def test_an_application_that_outlives_its_kit_leaves_logging_alone(make_kit: Make) -> None:
    before = list(logging.getLogger().handlers)
    kit, app = make_kit(log_format="json", traces=False), _shop()
    instrument(app)
    kit.shutdown()

    _live(app)
    _get(app, "/items")

    assert logging.getLogger().handlers == before
