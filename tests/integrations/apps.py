"""Applications of one route, and the ways to observe them."""

from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import ObserveMiddleware, instrument

ONE = {("GET", "200", "/items/{item}"): 1.0}
"""What is counted of one request to any of them."""


async def item(item: str) -> dict[str, str]:
    return {"item": item}


async def page(request: Any) -> PlainTextResponse:
    return PlainTextResponse("page")


def fastapi() -> FastAPI:
    app = FastAPI()
    app.add_api_route("/items/{item}", item)
    return app


def starlette(**more: Any) -> Starlette:
    return Starlette(routes=[Route("/items/{item}", page)], **more)


def instrumented(app: Any) -> Any:
    instrument(app)
    return app


def added(app: Any) -> Any:
    app.add_middleware(ObserveMiddleware)
    return app


def wrapped(app: Any) -> Any:
    return ObserveMiddleware(app)
