"""The application that the tests of logging observe: each route logs in its own way."""

import asyncio
import logging
import sys

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import annotate, instrument

log = structlog.get_logger("shop")
stdlib = logging.getLogger("shop.stdlib")


async def both(request: Request) -> PlainTextResponse:
    structlog.contextvars.bind_contextvars(user="u-1")
    log.info("from.structlog")
    stdlib.info("from %s", "stdlib", extra={"order": "a-12"})
    annotate(order="a-12")
    return PlainTextResponse("ok")


def in_pool(request: Request) -> PlainTextResponse:
    log.info("from.pool")
    return PlainTextResponse("ok")


async def to_thread(request: Request) -> PlainTextResponse:
    await asyncio.to_thread(log.info, "from.to_thread")
    return PlainTextResponse("ok")


async def boom(request: Request) -> PlainTextResponse:
    planted = "local-canary"
    raise RuntimeError(f"boom{planted[:0]}")


async def many(request: Request) -> PlainTextResponse:
    for number in range(int(request.query_params["lines"])):
        log.info("many", number=number, text="x" * int(request.query_params.get("size", "10")))
    return PlainTextResponse("ok")


async def hang(request: Request) -> PlainTextResponse:
    log.info("hanging")
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return PlainTextResponse("too late")


app = Starlette(
    routes=[
        Route("/both", both),
        Route("/pool", in_pool),
        Route("/to_thread", to_thread),
        Route("/boom", boom),
        Route("/many", many),
        Route("/hang", hang),
    ]
)
instrument(app, log_format="json")

if __name__ == "__main__":
    # As a program that starts its server itself: uvicorn configures its logging after us.
    uvicorn.run(app, fd=int(sys.argv[sys.argv.index("--fd") + 1]), lifespan="auto")
