"""An application without a line of observekit, as the tests have servers serve it."""

import asyncio
import os
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

_ENDLESS = 600.0


async def tea(request: Request) -> Response:
    return PlainTextResponse("tea")


async def pid(request: Request) -> Response:
    return PlainTextResponse(str(os.getpid()))


async def slow(request: Request) -> Response:
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("slow tea")


async def work(request: Request) -> Response:
    """Answer after a while, so that there is always something in flight under load."""
    await asyncio.sleep(0.02)
    return PlainTextResponse("work")


async def deaf(request: Request) -> Response:
    """Stream for ever, whatever the service is told."""

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"drop\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(pieces())


app = Starlette(
    routes=[
        Route("/", tea),
        Route("/pid", pid),
        Route("/slow", slow),
        Route("/work", work, methods=["GET", "POST"]),
        Route("/deaf", deaf),
    ]
)


async def bare(scope: dict[str, object], receive: object, send: object) -> None:
    """Answer without a framework and without a lifespan."""
    if scope["type"] != "http":
        raise RuntimeError(scope["type"])
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bare tea"})


def wsgi(environ: dict[str, object], start_response: object) -> list[bytes]:
    assert callable(start_response)
    start_response("200 OK", [("Content-Length", "8")])
    return [b"wsgi tea"]
