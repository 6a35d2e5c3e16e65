"""Routes of an application that are not reached any more, because observekit answers at their paths."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Mount, Route

from observekit import Kit, instrument

Make = Callable[..., Kit]


def _get(app: Starlette, path: str) -> str:
    async def ask() -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get(path)).text

    return asyncio.run(ask())


def _answer(_: object = None) -> PlainTextResponse:
    return PlainTextResponse("theirs")


def _flat() -> Starlette:
    return Starlette(routes=[Route("/items", _answer), Route("/metrics", _answer), Route("/livez", _answer)])


def _mounted() -> Starlette:
    """As prometheus-client's own application is put beside others."""
    inner = Starlette(routes=[Route("/livez", _answer)])
    return Starlette(routes=[Mount("/metrics", app=_flat()), Mount("/", app=inner)])


def _included() -> FastAPI:
    router = APIRouter()
    router.add_api_route("/livez", lambda: "theirs")
    app = FastAPI()
    instrument(app)
    app.include_router(router)
    app.add_api_route("/metrics", lambda: "theirs")
    return app


def _unconcerned() -> Starlette:
    inner = Starlette(routes=[Route("/livez", _answer)])
    return Starlette(routes=[Mount("/inner", app=inner), Route("/{anything:path}", _answer)])


@pytest.mark.parametrize(
    ("make_app", "shadowed"),
    [
        (_flat, ["/metrics", "/livez"]),
        (_mounted, ["/metrics", "/livez"]),
        (_included, ["/metrics", "/livez"]),
        (_unconcerned, []),
    ],
)
def test_routes_that_nobody_reaches_any_more_are_said_once(
    make_kit: Make, capfd: pytest.CaptureFixture[str], make_app: Callable[[], Starlette], shadowed: list[str]
) -> None:
    kit = make_kit(log_format="json", traces=False)
    app = make_app()

    instrument(app)
    for _ in range(2):
        _get(app, "/items")
    kit.shutdown()

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    told = [line for line in lines if line["event"] == "observekit.routes_shadowed"]
    names = {"/metrics": "metrics_path", "/livez": "liveness_path"}
    assert [(one["level"], one["paths"], one["settings"]) for one in told] == [
        ("warning", shadowed, [names[path] for path in shadowed])
    ] * bool(shadowed)


def test_routes_at_paths_that_observekit_leaves_alone_are_nobodys_concern(
    make_kit: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    kit = make_kit(log_format="json", traces=False, metrics_path="/internal/metrics", health=False)
    app = _flat()
    instrument(app)

    told = _get(app, "/metrics")
    kit.shutdown()

    assert told == "theirs"
    assert "routes_shadowed" not in capfd.readouterr().out


def test_a_route_table_that_cannot_be_read_stops_no_application(make_kit: Make) -> None:
    kit = make_kit(logs="off", traces=False)
    app = _flat()

    class Odd:
        @property
        def path(self) -> str:
            raise RuntimeError("no path")

        def matches(self, _: object) -> tuple[Match, dict[str, object]]:
            return Match.NONE, {}

    app.router.routes.append(Odd())  # type: ignore[arg-type]  # as another package's may be
    instrument(app)

    assert _get(app, "/items") == "theirs"
    errors = kit.registry.get_sample_value("observekit_internal_errors_total", {"component": "config"})
    assert errors == 1
