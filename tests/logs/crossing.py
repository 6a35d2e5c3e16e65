"""An application in which each request logs on a way of its own, and what asks it many things at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from observekit import annotate

Message = MutableMapping[str, Any]
Way = Callable[[Request, str], Response | Awaitable[Response]]

log = structlog.get_logger("shop")
stdlib = logging.getLogger("shop.stdlib")


def say(who: str) -> None:
    """Log with both, and annotate."""
    log.info("said", who=who)
    stdlib.info("said", extra={"who": who})
    annotate(who=who)


async def say_later(who: str) -> None:
    await asyncio.sleep(0)
    say(who)


async def in_coroutine(request: Request, who: str) -> Response:
    await say_later(who)
    return PlainTextResponse("ok")


async def in_thread(request: Request, who: str) -> Response:
    await asyncio.to_thread(say, who)
    return PlainTextResponse("ok")


async def in_task(request: Request, who: str) -> Response:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(say_later(who))
    return PlainTextResponse("ok")


async def in_callback(request: Request, who: str) -> Response:
    done = asyncio.Event()

    def call() -> None:
        say(who)
        done.set()

    asyncio.get_running_loop().call_later(0, call)
    await done.wait()
    return PlainTextResponse("ok")


async def in_executor(request: Request, who: str) -> Response:
    context = copy_context()
    await asyncio.get_running_loop().run_in_executor(request.app.state.pool, partial(context.run, say, who))
    return PlainTextResponse("ok")


async def in_carried(request: Request, who: str) -> Response:
    carried = request.app.state.kit.context.carry(say)
    await asyncio.get_running_loop().run_in_executor(request.app.state.pool, carried, who)
    return PlainTextResponse("ok")


async def in_generator(request: Request, who: str) -> Response:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        await say_later(who)
        yield 2

    async def consume() -> None:
        async for _ in numbers():
            await asyncio.sleep(0)

    await asyncio.create_task(consume())
    return PlainTextResponse("ok")


async def in_background(request: Request, who: str) -> Response:
    return PlainTextResponse("ok", background=BackgroundTask(say_later, who))


async def in_background_thread(request: Request, who: str) -> Response:
    return PlainTextResponse("ok", background=BackgroundTask(say, who))


async def in_stream(request: Request, who: str) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        await say_later(who)
        yield b"b"

    return StreamingResponse(body())


async def in_stream_of_threads(request: Request, who: str) -> Response:
    def body() -> Iterator[bytes]:
        yield b"a"
        say(who)
        yield b"b"

    return StreamingResponse(body())


ASYNC: Final[tuple[Callable[[Request, str], Awaitable[Response]], ...]] = (
    in_coroutine,
    in_thread,
    in_task,
    in_callback,
    in_executor,
    in_carried,
    in_generator,
    in_background,
    in_background_thread,
    in_stream,
    in_stream_of_threads,
)


def _endpoint(way: Callable[[Request, str], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await way(request, request.path_params["who"])

    return endpoint


def in_pool(request: Request) -> Response:
    """Say it in the thread pool of the framework, as every plain function does."""
    say(request.path_params["who"])
    return PlainTextResponse("ok")


async def bare(request: Request) -> Response:
    """Say it in an executor that knows nothing of the request."""
    await asyncio.get_running_loop().run_in_executor(request.app.state.pool, say, request.path_params["who"])
    return PlainTextResponse("ok")


async def in_socket(socket: WebSocket) -> None:
    await socket.accept()
    await say_later(socket.path_params["who"])
    await socket.close()


WAYS: Final = (*(way.__name__ for way in ASYNC), "in_pool", "in_socket")


def application(pool: ThreadPoolExecutor) -> Starlette:
    """Return an application with a route for each way, and an executor of its own."""
    routes = [Route(f"/{way.__name__}/{{who}}", _endpoint(way)) for way in ASYNC]
    app = Starlette(
        routes=[
            *routes,
            Route("/in_pool/{who}", in_pool),
            Route("/bare/{who}", bare),
            WebSocketRoute("/in_socket/{who}", in_socket),
        ]
    )
    app.state.pool = pool
    return app


async def ask(app: Any, way: str, who: str) -> None:
    """Send one request, or open a connection, and wait for its end."""
    kind = "websocket" if way == "in_socket" else "http"
    scope = {
        "type": kind,
        "method": "GET",
        "path": f"/{way}/{who}",
        "headers": [],
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": kind.replace("websocket", "ws"),
        "http_version": "1.1",
        "subprotocols": [],
    }
    first = {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": b""}
    waiting = [first]
    over = asyncio.Event()

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await over.wait()
        return {"type": f"{kind}.disconnect"}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)

    try:
        await app(scope, receive, send)
    finally:
        over.set()
