"""Routes at the edge: other frameworks, endpoints without end, frontends, root paths."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.http.conftest import Bench


async def page(request: Any) -> PlainTextResponse:
    return PlainTextResponse("page")


async def foreign(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("foreign")(scope, receive, send)


def test_one_endpoint_in_two_applications_of_one_server_has_the_route_of_each(
    bench: "Bench", call: Any
) -> None:
    first, second = Starlette(routes=[Route("/a/{x}", page)]), Starlette(routes=[Route("/b/{x}", page)])

    async def by_path(scope: Any, receive: Any, send: Any) -> None:
        await (first if scope["path"].startswith("/a") else second)(scope, receive, send)

    layer = bench.layer(by_path)

    async def both() -> None:
        await call("/a/1").make(layer)
        await call("/b/1").make(layer)

    bench.run(both())

    assert [event["http_route"] for event in bench.events] == ["/a/{x}", "/b/{x}"]


def test_an_application_without_routes_has_none(bench: "Bench") -> None:
    told = bench.account_of(foreign, "/anything")

    assert told.route == "_unmatched"


@pytest.mark.filterwarnings("ignore:The `root_path` parameter")
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/outer/both/7", "/v1/outer/both/{item}"),
        ("/proxy/v1/outer/both/7", "/v1/outer/both/{item}"),
        ("/proxy/tenants/a/items/7", "/tenants/{t}/items/{item}"),
    ],
)
def test_a_root_path_of_the_application_itself_adds_nothing(
    bench: "Bench", with_parts: Any, path: str, route: str
) -> None:
    told = bench.account_of(with_parts(FastAPI(root_path="/proxy")), path)

    assert told.route == route


def test_endpoints_that_are_made_anew_for_each_request_hold_no_more_than_a_limited_memory(
    bench: "Bench", call: Any
) -> None:
    framework = Starlette(routes=[Route("/same/{x}", page)])

    async def forgetful(scope: Any, receive: Any, send: Any) -> None:
        await foreign(scope, receive, send)
        scope["app"], scope["endpoint"], scope["route"] = framework, object(), None

    layer = bench.layer(forgetful)

    async def many() -> None:
        for _ in range(4200):
            await call("/same/one").make(layer)

    bench.run(many())

    assert len(layer._routes._known) == 4096
    assert {event["http_route"] for event in bench.events} == {"_unmatched"}


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="FastAPI has frontends from 0.138")
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/ui/page.txt", "/ui"),
        ("/ui/nothing", "/ui"),
        ("/nothing", "_unmatched"),
        ("/sub/ui/page.txt", "/sub/ui"),
        ("/t/acme/ui/page.txt", "/ui"),
    ],
)
def test_a_frontend_is_named_by_where_its_files_begin(
    bench: "Bench", files: Path, path: str, route: str
) -> None:
    def with_frontend() -> Any:
        app: Any = FastAPI()
        app.frontend("/ui", directory=files)
        return app

    app = with_frontend()
    app.mount("/sub", with_frontend())
    app.mount("/t/{tenant}", with_frontend())

    told = bench.account_of(app, path)

    assert told.route == route


def test_routes_of_other_frameworks_are_taken_from_their_scope(bench: "Bench") -> None:
    class Found:
        path = "/theirs/{id}"

    async def framework(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = Found()
        await foreign(scope, receive, send)

    told = bench.account_of(framework, "/theirs/7")

    assert told.route == "/theirs/{id}"
