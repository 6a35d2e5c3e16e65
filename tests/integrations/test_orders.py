"""Wherever observekit stands among other middleware, what it tells of a request is what it passed on."""

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from observekit import ObserveMiddleware, instrument
from tests.often import often

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

Kinds = list[Middleware]


class Converts:
    """Answers exceptions of what it is around, as many services have it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except ZeroDivisionError:
            await PlainTextResponse("converted", 418)(scope, receive, send)


class Session:
    """Keeps a session in a cookie, as Starlette's middleware does with a package that is not needed here."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["session"] = {}

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", "session=x; httponly")
            await send(message)

        await self.app(scope, receive, keep)


OTHERS: Kinds = [
    Middleware(CORSMiddleware, allow_origins=["http://page.test"]),
    Middleware(GZipMiddleware, minimum_size=1),
    Middleware(TrustedHostMiddleware, allowed_hosts=["service.test"]),
    Middleware(Session),
    Middleware(Converts),
]
PATHS = ["/page", "/gone", "/broken", "/stream", "/nothing"]


async def page(request: Request) -> Response:
    return PlainTextResponse("page" * 1000)


async def gone(request: Request) -> Response:
    raise HTTPException(410)


async def broken(request: Request) -> Response:
    raise ZeroDivisionError


async def stream(request: Request) -> Response:
    async def pieces() -> Any:
        for _ in range(3):
            yield b"piece"

    return StreamingResponse(pieces())


def service(middleware: Kinds) -> Starlette:
    routes = [Route(f"/{one.__name__}", one) for one in (page, gone, broken, stream)]
    return Starlette(routes=routes, middleware=middleware)


@pytest.mark.often
@pytest.mark.parametrize("place", range(len(OTHERS) + 1))
def test_added_anywhere_it_tells_what_it_passed_on(observed: "Observed", place: int) -> None:
    # What is converted further out than it stands is a 500 to it, as of an application without an error page.
    orders = list(permutations(OTHERS))
    for others in orders[:: len(orders) // often(len(orders))]:
        before = observed.durations()
        middleware = [*others[:place], Middleware(ObserveMiddleware), *others[place:]]
        kinds: list[Any] = [one.cls for one in middleware[place:]]
        converted_within = Converts in kinds

        statuses = observed.get(service(middleware), *PATHS)

        assert statuses == [200, 410, 418, 200, 404]
        told = {kind: count - before.get(kind, 0) for kind, count in observed.durations().items()}
        assert {kind: count for kind, count in told.items() if count} == {
            ("GET", "200", "/page"): 1.0,
            ("GET", "410", "/gone"): 1.0,
            ("GET", "418" if converted_within else "500", "/broken"): 1.0,
            ("GET", "200", "/stream"): 1.0,
            ("GET", "404", "_unmatched"): 1.0,
        }


@pytest.mark.often
def test_instrumented_it_is_around_all_of_them(observed: "Observed") -> None:
    orders = list(permutations(OTHERS))
    for others in orders[:: len(orders) // often(len(orders))]:
        before = observed.durations()
        app = service(list(others))
        instrument(app)

        statuses = observed.get(app, *PATHS)

        assert statuses == [200, 410, 418, 200, 404]
        told = {kind: count - before.get(kind, 0) for kind, count in observed.durations().items()}
        assert sum(told.values()) == len(PATHS)
        assert told["GET", "418", "/broken"] == 1


def test_what_middleware_further_in_answers_is_counted(observed: "Observed") -> None:
    app = service(OTHERS)
    instrument(app)

    refused = observed.get(app, "/page", headers={"host": "stranger.test"})
    allowed = observed.get(app, "/page", headers={"origin": "http://page.test"})

    assert (refused, allowed) == ([400], [200])
    assert observed.durations() == {("GET", "400", "_unmatched"): 1.0, ("GET", "200", "/page"): 1.0}
