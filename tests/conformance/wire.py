"""Requests as bytes, of every kind that servers and applications tell apart, and an application for them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from .apps import fails, page, reads

HOST = "host: service.test\r\n"
CLOSE = f"{HOST}connection: close\r\n"


def get(path: str, headers: str = "", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n{CLOSE}{headers}\r\n".encode("latin-1")


LONGER = "a body that is longer than its header says"
REQUESTS = {
    "get": get("/items/7?token=x"),
    "head": get("/items/7", method="HEAD"),
    "options": get("/items/7", method="OPTIONS"),
    "a method that the route has not": get("/items/7", method="DELETE"),
    "a path that nothing has": get("/nothing"),
    "a redirect": get("/items/7/"),
    "a mounted route": get("/in/acme/items/7"),
    "a path of no encoding": get("/items/%ff%zz"),
    "headers of no encoding": get("/headers", "x-any: \xff\xfe\r\nx-any: two\r\ntraceparent: 00-x-y-01\r\n"),
    "a stream": get("/stream"),
    "events": get("/events"),
    "a file": get("/file"),
    "a range": get("/file", "range: bytes=5-9\r\n"),
    "ranges that are not there": get("/file", "range: bytes=99999999-\r\n"),
    "a file that the client has": get(
        "/static/page.txt", "if-modified-since: Fri, 31 Dec 2100 23:59:59 GMT\r\n"
    ),
    "no content": get("/empty"),
    "work in the background": get("/background"),
    "a body": get("/read", "content-length: 5\r\n", "POST") + b"hello",
    "a body in chunks": get("/read", "transfer-encoding: chunked\r\n", "POST") + b"5\r\nhello\r\n0\r\n\r\n",
    LONGER: get("/read", "content-length: 3\r\n", "POST") + b"hello",
    "a body that a client asks leave for": get(
        "/read", "content-length: 5\r\nexpect: 100-continue\r\n", "POST"
    )
    + b"hello",
    "an exception": get("/fails"),
    "an exception in the middle": get("/breaks"),
    "no answer": get("/silent/"),
    "only the start of an answer": get("/odd/start/"),
    "a body before its start": get("/odd/body/"),
    "two starts": get("/odd/twice/"),
    "more than was said": get("/odd/long/"),
    "less than was said": get("/odd/short/"),
    "http 1.0": b"GET /items/7 HTTP/1.0\r\n\r\n",
    "two on one connection": f"GET /items/1 HTTP/1.1\r\n{HOST}\r\n".encode() + get("/items/2"),
}


async def headers(request: Request) -> Response:
    return JSONResponse([[repr(name), repr(value)] for name, value in request.headers.raw])


async def breaks(request: Request) -> Response:
    return StreamingResponse(_pieces(fail=True))


async def events(request: Request) -> Response:
    return StreamingResponse(_pieces(), media_type="text/event-stream")


async def _pieces(*, fail: bool = False) -> AsyncIterator[str]:
    for number in range(3):
        yield f"data: {number}\n\n"
    if fail:
        raise ValueError


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """Return without an answer."""


def odd(*messages: dict[str, Any]) -> Any:
    """Return an application that sends what no application should."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(dict(message))

    return app


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
LONG_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]}
BODY = {"type": "http.response.body", "body": b"x"}
LONG_BODY = {"type": "http.response.body", "body": b"x" * 50}


def application(file: Path) -> Starlette:
    items = Route("/items/{item}", page)
    return Starlette(
        routes=[
            items,
            Mount("/in/{tenant}", routes=[items]),
            Mount("/static", StaticFiles(directory=file.parent)),
            Mount("/silent", silent),
            Mount("/odd/start", odd(START)),
            Mount("/odd/body", odd(BODY)),
            Mount("/odd/twice", odd(START, START, BODY)),
            Mount("/odd/long", odd(START, LONG_BODY)),
            Mount("/odd/short", odd(LONG_START, BODY)),
            Route("/headers", headers),
            Route("/stream", lambda _: StreamingResponse(_pieces())),
            Route("/events", events),
            Route("/file", lambda _: FileResponse(file)),
            Route("/empty", lambda _: Response(status_code=204)),
            Route("/background", lambda _: PlainTextResponse("x", background=BackgroundTask(list))),
            Route("/read", reads, methods=["POST"]),
            Route("/fails", fails),
            Route("/breaks", breaks),
        ]
    )
