"""Applications with every way that leads to an endpoint, in both frameworks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles


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


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "page.txt").write_text("page")
    return tmp_path


@pytest.fixture
def in_fastapi(files: Path) -> FastAPI:
    return fastapi_app(files)


@pytest.fixture
def in_starlette(files: Path) -> Starlette:
    return starlette_app(files)


@pytest.fixture(params=[fastapi_app, starlette_app])
def either(request: pytest.FixtureRequest, files: Path) -> Any:
    return request.param(files)


@pytest.fixture
def with_parts() -> Callable[[FastAPI], FastAPI]:
    """Put an included router and a mount with a parameter into an application."""

    def put(app: FastAPI) -> FastAPI:
        app.include_router(included(), prefix="/v1")
        app.mount("/tenants/{t}", inner_fastapi())
        return app

    return put
