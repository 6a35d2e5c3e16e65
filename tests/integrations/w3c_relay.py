"""The service that W3C's suite for Trace Context asks for: it posts to whom it is told to, in order."""

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from observekit import instrument

SECONDS = 30.0


async def relay(request: Request) -> Response:
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        for one in await request.json():
            await client.post(one["url"], json=one["arguments"])
    return Response(status_code=200)


app = Starlette(routes=[Route("/test", relay, methods=["POST"])])
instrument(app)
