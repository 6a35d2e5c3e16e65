"""The application that every variant observes."""

from time import thread_time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_WORK_SECONDS = 0.001


async def item(request: Request) -> Response:
    """Answer as a small read of an API does."""
    return JSONResponse(
        {"id": request.path_params["id"], "name": "a thing", "price": 12.5, "tags": ["a", "b"]}
    )


async def empty(_: Request) -> Response:
    """Answer with nothing."""
    return Response()


async def work(_: Request) -> Response:
    """Use 1 ms of this thread's CPU time, however often it is interrupted meanwhile."""
    until = thread_time() + _WORK_SECONDS
    while thread_time() < until:
        pass
    return Response()


async def livez(_: Request) -> Response:
    """Answer a probe as applications without observekit do."""
    return PlainTextResponse("ok")


def application() -> Starlette:
    """Return a fresh application."""
    return Starlette(
        routes=[
            Route("/items/{id}", item),
            Route("/empty", empty),
            Route("/work", work),
            Route("/livez", livez),
        ]
    )
