"""The route of a request is the template its endpoint was registered with, and never the client's text."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.http.conftest import Bench

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


@pytest.mark.parametrize("root_path", ["", "/behind"])
@pytest.mark.parametrize(("path", "route"), EVERYWHERE + IN_FASTAPI)
def test_a_fastapi_application_names_each_request_by_its_template(
    bench: "Bench", in_fastapi: Any, path: str, route: str, root_path: str
) -> None:
    told = bench.account_of(in_fastapi, root_path + path, root_path=root_path)

    assert told.route == route


@pytest.mark.parametrize("root_path", ["", "/behind"])
@pytest.mark.parametrize(("path", "route"), EVERYWHERE + IN_STARLETTE)
def test_a_starlette_application_names_each_request_by_its_template(
    bench: "Bench", in_starlette: Any, path: str, route: str, root_path: str
) -> None:
    told = bench.account_of(in_starlette, root_path + path, root_path=root_path)

    assert told.route == route


@pytest.mark.parametrize(("path", "route"), [("/numbers/7", "/numbers/{number:int}"), ("/no", "_unmatched")])
def test_a_host_adds_nothing_to_the_route(bench: "Bench", either: Any, path: str, route: str) -> None:
    told = bench.account_of(either, path, host="shop.host.test")

    assert told.route == route


def test_the_route_of_a_layer_that_has_seen_all_others_is_the_same(
    bench: "Bench", either: Any, call: Any
) -> None:
    layer = bench.layer(either)
    paths = EVERYWHERE * 2

    async def all_of_them() -> None:
        for path, _ in paths:
            await call(path).make(layer)

    bench.run(all_of_them())

    assert [event["http_route"] for event in bench.events] == [route for _, route in paths]
