"""Litestar, whose scope has the template in a key of its own: its routes are told apart as Starlette's."""

from typing import TYPE_CHECKING, Any

import litestar
import pytest

from observekit import ObserveMiddleware

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed


def application() -> Any:
    """A route with a parameter, one of a router below a prefix with another, and a mount."""

    @litestar.get("/items/{item:int}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    @litestar.get("/members/{member:str}", sync_to_thread=False)
    def member(member: str) -> str:
        return member

    @litestar.asgi("/files", is_mount=True)
    async def files(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"file"})

    groups = litestar.Router("/groups/{group:str}", route_handlers=[member])
    return litestar.Litestar([item, groups, files], openapi_config=None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the way that parameters are declared
def test_the_routes_of_litestar_are_its_templates(observed: "Observed") -> None:
    app = ObserveMiddleware(application())

    paths = [
        "/items/7",
        "/items/8",
        "/groups/a/members/b",
        "/files/x/y",
        "/files//x",
        "/items/none",
        "/nothing",
    ]
    statuses = observed.get(app, *paths)

    assert statuses == [200, 200, 200, 200, 200, 404, 404]
    assert observed.durations() == {
        ("GET", "200", "/items/{item}"): 2.0,
        ("GET", "200", "/groups/{group}/members/{member}"): 1.0,
        ("GET", "200", "/files"): 2.0,
        ("GET", "404", "_unmatched"): 2.0,
    }
    assert [span.name for span in observed.servers()][:2] == ["GET /items/{item}", "GET /items/{item}"]
