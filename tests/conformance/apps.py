"""What the applications of the cases are made of."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

Shop = Callable[[], Starlette]


class BrokenError(Exception):
    """What an application raises."""


async def page(request: Request) -> Response:
    return PlainTextResponse("page")


async def fails(request: Request) -> Response:
    raise BrokenError


async def reads(request: Request) -> Response:
    return PlainTextResponse(await request.body())


async def hangs(request: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"piece"

    return StreamingResponse(pieces())


async def item(item: str = "") -> dict[str, str]:
    return {"item": item}


async def foreign(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application of no framework."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"foreign"})


def one_route(endpoint: Any, path: str = "/", **more: Any) -> Starlette:
    return Starlette(routes=[Route(path, endpoint)], **more)


def shop_in_starlette() -> Starlette:
    return Starlette(routes=[Route("/items/{item}", page)])


def shop_in_fastapi() -> FastAPI:
    app = FastAPI()
    app.add_api_route("/items/{item}", item)
    return app


def nested_routers() -> FastAPI:
    inner = APIRouter(prefix="/shop")
    inner.add_api_route("/items/{item}", item)
    outer = APIRouter(prefix="/city/{city}")
    outer.include_router(inner)
    app = FastAPI()
    app.include_router(outer, prefix="/v1")
    return app
