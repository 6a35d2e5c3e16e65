"""What the ASGI servers serve: a service with metrics of its own, made observable by one line."""

import os
from contextlib import ExitStack

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from observekit import instrument
from tests.servers_workers.apps.own_metrics import OwnMetrics, register_collector


async def pid(_: Request) -> JSONResponse:
    return JSONResponse(os.getpid())


async def act(_: Request) -> JSONResponse:
    for one in OWN:
        one.act()
    return JSONResponse(os.getpid())


async def level(_: Request) -> JSONResponse:
    for one in OWN:
        one.level(os.getpid())
    return JSONResponse(os.getpid())


async def hold(request: Request) -> JSONResponse:
    with ExitStack() as held:
        for one in OWN:
            held.enter_context(one.held.track_inprogress())
        while (await request.receive())["type"] != "http.disconnect":
            pass
    return JSONResponse(os.getpid())


app = Starlette(
    routes=[Route("/pid", pid), Route("/act", act), Route("/level", level), Route("/hold", hold)],
)
EARLY = OwnMetrics("early")
register_collector()
instrument(app, log_level="warning")
OWN = (EARLY, OwnMetrics("late"))
