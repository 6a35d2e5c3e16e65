"""The route of a request is the template that its endpoint was registered with, and never the client's text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from tests.http.conftest import Bench


async def page(request: Any) -> PlainTextResponse:
    return PlainTextResponse("page")


async def other(request: Any) -> PlainTextResponse:
    return PlainTextResponse("other")


async def item(item: str = "") -> dict[str, str]:
    return {"item": item}


async def foreign(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("foreign")(scope, receive, send)


def inner_starlette() -> Starlette:
    routes = [
        Route("/numbers/{number:int}", page),
        Route("/numbers/{word}", page),
        Route("/files/{name}.{kind}", page),
        Route("/files/{rest:path}", page),
        Route("/only-post", other, methods=["POST"]),
        Mount("/deep", routes=[Route("/{leaf}", other), Mount("/deeper", app=foreign)]),
    ]
    return Starlette(routes=routes)


def inner_fastapi() -> FastAPI:
    app = FastAPI()
    app.add_api_route("/items/{item}", item)
    app.include_router(included(), prefix="/inc")
    return app


def included() -> APIRouter:
    """A router in a router, with everything that a router can hold."""
    inner = APIRouter(prefix="/inner")
    inner.add_api_route("/items/{item}", item)
    outer = APIRouter(prefix="/outer")
    outer.add_api_route("/both/{item}", item)
    outer.include_router(inner)
    return outer


def fastapi_app(directory: Path) -> FastAPI:
    app = FastAPI()
    app.include_router(included(), prefix="/v1")
    app.include_router(included(), prefix="/v2")
    app.add_api_route("/same/one", item)
    app.add_api_route("/same/{item}", item)
    app.add_route("/plain/{name}", page)
    app.mount("/fast", inner_fastapi())
    app.mount("/tenants/{item}", inner_fastapi())
    app.mount("/star", inner_starlette())
    app.mount("/wrapped", GZipMiddleware(inner_starlette()))
    app.mount("/static", StaticFiles(directory=directory))
    app.mount("/asgi/{where}", foreign)
    app.host("{name}.host.test", inner_starlette())
    return app


def starlette_app(directory: Path) -> Starlette:
    return Starlette(
        routes=[
            Route("/", page),
            Route("/same/one", page),
            Route("/same/{name}", page),
            Route("/v{version:int}/thing", other),
            Mount("/fast", inner_fastapi()),
            Mount("/tenants/{item}", inner_fastapi()),
            Mount("/star", inner_starlette()),
            Mount("/groups/{group}", routes=[Mount("/{member}", inner_starlette())]),
            Mount("/wrapped", GZipMiddleware(inner_starlette())),
            Mount("/own", routes=[Route("/x/{y}", page)], middleware=[Middleware(GZipMiddleware)]),
            Mount("/router", Router([Route("/{name}", other)])),
            Mount("/static", StaticFiles(directory=directory)),
            Mount("/asgi/{where}", foreign),
            Host("{name}.host.test", inner_starlette()),
        ]
    )


EVERYWHERE = [
    ("/same/one", "/same/one"),
    ("/fast/items/7", "/fast/items/{item}"),
    ("/fast/inc/outer/both/7", "/fast/inc/outer/both/{item}"),
    ("/fast/inc/outer/inner/items/7", "/fast/inc/outer/inner/items/{item}"),
    ("/fast/docs", "/fast/docs"),
    ("/fast/nothing", "_unmatched"),
    ("/fast", "_unmatched"),
    ("/tenants/acme/items/7", "/tenants/{item}/items/{item}"),
    ("/tenants/acme/inc/outer/both/7", "/tenants/{item}/inc/outer/both/{item}"),
    ("/tenants/acme/inc/outer/inner/items/7", "/tenants/{item}/inc/outer/inner/items/{item}"),
    ("/tenants/acme/openapi.json", "/tenants/{item}/openapi.json"),
    ("/tenants/acme/nothing", "_unmatched"),
    ("/tenants/acme/inc/outer/nothing", "_unmatched"),
    ("/star/numbers/7", "/star/numbers/{number:int}"),
    ("/star/numbers/seven", "/star/numbers/{word}"),
    ("/star/files/a.txt", "/star/files/{name}.{kind}"),
    ("/star/files/a/b/c", "/star/files/{rest:path}"),
    ("/star/only-post", "/star/only-post"),
    ("/star/deep/leaf", "/star/deep/{leaf}"),
    ("/star/deep/deeper/a/b", "/star/deep/deeper"),
    ("/star/nothing", "_unmatched"),
    ("/star/numbers/7/", "_unmatched"),
    ("/wrapped/numbers/7", "/wrapped/numbers/{number:int}"),
    ("/wrapped/deep/leaf", "/wrapped/deep/{leaf}"),
    ("/wrapped/nothing", "_unmatched"),
    ("/static/page.txt", "/static"),
    ("/static/nothing", "/static"),
    ("/asgi/over/there", "/asgi/{where}"),
    ("/nothing", "_unmatched"),
    ("/nothing/at/all", "_unmatched"),
]
IN_FASTAPI = [
    ("/docs", "/docs"),
    ("/openapi.json", "/openapi.json"),
    ("/v1/outer/both/7", "/v1/outer/both/{item}"),
    ("/v2/outer/both/7", "/v2/outer/both/{item}"),
    ("/v2/outer/inner/items/7", "/v2/outer/inner/items/{item}"),
    ("/v2/outer/inner/items/7/", "_unmatched"),
    ("/v1/outer/nothing", "_unmatched"),
    ("/same/two", "/same/{item}"),
    ("/plain/name", "/plain/{name}"),
]
IN_STARLETTE = [
    ("/", "/"),
    ("/same/two", "/same/{name}"),
    ("/v12/thing", "/v{version:int}/thing"),
    ("/groups/a/b/numbers/7", "/groups/{group}/{member}/numbers/{number:int}"),
    ("/groups/a/b/deep/deeper/x", "/groups/{group}/{member}/deep/deeper"),
    ("/groups/a/b/nothing", "_unmatched"),
    ("/groups/a", "_unmatched"),
    ("/own/x/7", "/own/x/{y}"),
    ("/own/nothing", "_unmatched"),
    ("/router/name", "/router/{name}"),
    ("/router/a/b", "_unmatched"),
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "page.txt").write_text("page")
    return tmp_path


@pytest.mark.parametrize("root_path", ["", "/behind"])
@pytest.mark.parametrize(("path", "route"), EVERYWHERE + IN_FASTAPI)
def test_a_fastapi_application_names_each_request_by_its_template(
    bench: "Bench", files: Path, path: str, route: str, root_path: str
) -> None:
    told = bench.account_of(fastapi_app(files), root_path + path, root_path=root_path)

    assert told.route == route


@pytest.mark.parametrize("root_path", ["", "/behind"])
@pytest.mark.parametrize(("path", "route"), EVERYWHERE + IN_STARLETTE)
def test_a_starlette_application_names_each_request_by_its_template(
    bench: "Bench", files: Path, path: str, route: str, root_path: str
) -> None:
    told = bench.account_of(starlette_app(files), root_path + path, root_path=root_path)

    assert told.route == route


@pytest.mark.parametrize("make", [fastapi_app, starlette_app])
@pytest.mark.parametrize(("path", "route"), [("/numbers/7", "/numbers/{number:int}"), ("/no", "_unmatched")])
def test_a_host_adds_nothing_to_the_route(
    bench: "Bench", files: Path, make: Any, path: str, route: str
) -> None:
    told = bench.account_of(make(files), path, host="shop.host.test")

    assert told.route == route


@pytest.mark.parametrize("make", [fastapi_app, starlette_app])
def test_the_route_of_a_layer_that_has_seen_all_others_is_the_same(
    bench: "Bench", files: Path, make: Any, call: Any
) -> None:
    layer = bench.layer(make(files))
    paths = EVERYWHERE * 2

    async def all_of_them() -> None:
        for path, _ in paths:
            await call(path).make(layer)

    bench.run(all_of_them())

    assert [event["http_route"] for event in bench.events] == [route for _, route in paths]


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
def test_a_root_path_of_the_application_itself_adds_nothing(bench: "Bench", path: str, route: str) -> None:
    app = FastAPI(root_path="/proxy")
    app.include_router(included(), prefix="/v1")
    app.mount("/tenants/{t}", inner_fastapi())

    told = bench.account_of(app, path)

    assert told.route == route


@pytest.mark.parametrize("kind", [fastapi_app, starlette_app])
def test_endpoints_that_are_made_anew_for_each_request_hold_no_more_than_a_limited_memory(
    bench: "Bench", files: Path, call: Any, kind: Any
) -> None:
    app = kind(files)

    async def forgetful(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        scope["endpoint"], scope["route"] = object(), None

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
