"""The application whose servers' lines are looked at: what it says, and what it fails with, is known."""

import logging
import threading
import warnings

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from observekit import annotate, instrument

log = structlog.get_logger("shop")
stdlib = logging.getLogger("shop.stock")


async def show(request: Request) -> PlainTextResponse:
    log.info("order.shown", order=request.path_params["order"])
    stdlib.warning("%d left", 2, extra={"sku": "tea"})
    annotate(customer=7)
    return PlainTextResponse("tea")


async def fail(request: Request) -> PlainTextResponse:
    stock: dict[str, int] = {}
    try:
        stock["tea"] -= 1
    except KeyError as error:
        raise RuntimeError("no stock") from error
    return PlainTextResponse("never")


async def stumble(request: Request) -> PlainTextResponse:
    warnings.warn("old stock", FutureWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: 1 // 0, name="counter")
    thread.start()
    thread.join()
    return PlainTextResponse("tea")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    raise RuntimeError("nobody to talk to")


app = Starlette(
    routes=[
        Route("/orders/{order}", show),
        Route("/fail", fail),
        Route("/stumble", stumble),
        WebSocketRoute("/talk", talk),
    ]
)
instrument(app, service_name="shop", log_format="json")
