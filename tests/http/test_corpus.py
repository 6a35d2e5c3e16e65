"""Whatever a client sends, and however a server describes it: an application is as it was, on every loop."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.often import often

if TYPE_CHECKING:
    from tests.http.conftest import Bench

DOCUMENTED = {"observekit", "fastapi.telemetry", "starlette.opentelemetry"}
"""What a layer adds to a scope: its own mark, and what keeps others from tracing a second time."""

ANY_TEXT = st.one_of(
    st.text(max_size=20), st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
)
"""Lone surrogates too, as a server may make them of bytes that are no UTF-8."""
PATHS = st.one_of(
    st.sampled_from(
        ["/", "", "/items/7", "/items/7/", "//items//7", "/in/acme/items/7", "/../..", "/items/%ff%zz", "*"]
    ),
    ANY_TEXT.map(lambda text: f"/{text}"),
    ANY_TEXT.map(lambda text: f"/items/{text}"),
    ANY_TEXT,
)
METHODS = st.one_of(
    st.sampled_from(
        ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "TRACE", "CONNECT", "QUERY", "get", "", "_"]
    ),
    ANY_TEXT,
)
BYTES = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"", b"%", b"%zz", b"%ff%00", b"\xc3\x28", b"a=b&&"])
)
VALUES: dict[bytes, list[bytes]] = {
    b"traceparent": [
        b"00-12345678901234567890123456789012-1234567890123456-01",
        b"00-00000000000000000000000000000000-0000000000000000-01",
        b"ff-12345678901234567890123456789012-1234567890123456-01",
        b"00-1234567890123456789012345678901\xff-1234567890123456-01",
        b"00",
    ],
    b"tracestate": [b"a=b", b"a=b,,=,c", b"\xff=\xff", b"," * 600],
    b"baggage": [b"user=%zz", b"a=b;c=d;e", b"%ff=%00", b"=" * 9000],
    b"b3": [b"0", b"12345678901234567890123456789012-1234567890123456-1"],
    b"host": [b"", b"service.test", b"[::1", b"a b", b"\xff.test", b"x:99999999"],
    b"content-length": [b"5", b"-5", b"many", b"9" * 400],
    b"user-agent": [b"x" * 70_000, b"\x00\x1f\x7f"],
    b"accept": [b"application/openmetrics-text;version=x", b"*/*;q=\xff"],
    b"authorization": [b"Bearer hunter2", b"Basic \xff"],
    b"x-forwarded-for": [b"1.2.3.4, \xff"],
    b"content-type": [b"application/json", b"multipart/form-data", b"\xff/\xff; charset=\xff"],
    b"cookie": [b"a=b; =; \xff=\xff"],
    b"range": [b"bytes=0-"],
    b"expect": [b"100-continue"],
}
KNOWN_HEADERS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(VALUES[name]), BYTES))
)
HEADERS = st.lists(st.one_of(KNOWN_HEADERS, st.tuples(BYTES, BYTES)), max_size=6).flatmap(
    # Any of them may come twice.
    lambda found: st.lists(st.sampled_from(found), max_size=8) if found else st.just([])
)
ADDRESSES = st.one_of(
    st.none(),
    st.tuples(
        st.one_of(st.sampled_from(["127.0.0.1", "::1", "8.8.8.8", "", "::ffff:1.2.3.4"]), ANY_TEXT),
        st.integers(),
    ),
    st.tuples(ANY_TEXT, st.none()),
    st.lists(st.just("10.0.0.1"), min_size=1, max_size=1).map(lambda host: [*host, 5]),
)
LEFT_OUT = "left out"
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "asgi": st.sampled_from([{"version": "3.0"}, {"version": "3.0", "spec_version": "2.4"}]),
    "http_version": st.sampled_from(["1.0", "1.1", "2", "3", ""]),
    "scheme": st.one_of(st.sampled_from(["http", "https", ""]), ANY_TEXT),
    "raw_path": st.one_of(st.none(), BYTES),
    "root_path": st.one_of(st.sampled_from(["", "/", "/items", "/behind"]), ANY_TEXT),
    "client": ADDRESSES,
    "server": ADDRESSES,
    "extensions": st.sampled_from([None, {}, {"http.response.pathsend": {}}, {"of.tomorrow": {"any": 1}}]),
    "state": st.sampled_from([{}, {"any": "thing"}]),
    "of.tomorrow": st.just(object()),
}
SCOPES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["http", "http", "http", "websocket"]),
        "method": METHODS,
        "path": PATHS,
        "query_string": BYTES,
        "headers": HEADERS,
    },
    optional=OPTIONAL,
)


async def page(request: Request) -> Response:
    """Use all of a request that a framework reads from its scope."""
    told = [str(request.url), str(request.client), sorted(request.cookies), dict(request.query_params)]
    return JSONResponse([repr(one) for one in told])


async def reads(request: Request) -> Response:
    return PlainTextResponse(repr(await request.body()))


async def streams(request: Request) -> Response:
    async def pieces() -> Any:
        yield b"piece"
        raise ValueError(request.url.path)

    return StreamingResponse(pieces())


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def starlette() -> Starlette:
    items = [
        Route("/items/{item}", page),
        Route("/read", reads, methods=["POST"]),
        Route("/stream", streams),
        WebSocketRoute("/{room:path}", echo),
    ]
    return Starlette(
        routes=[*items, Mount("/in/{tenant}", routes=items), Host("{name}.test", Starlette(routes=items))]
    )


def fastapi() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: int, wanted: bool = False) -> dict[str, Any]:  # noqa: FBT002 -- as users write it
        return {"item": item, "wanted": wanted}

    app.mount("/in/{tenant}", starlette())
    return app


def bare() -> Any:
    """An application of no framework, which answers with what it was given."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told = repr(sorted((key, value) for key, value in scope.items() if key not in DOCUMENTED))
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": told})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-any", b"\xff")]})
        await send({"type": "http.response.body", "body": told.encode(errors="backslashreplace")})

    return app


APPLICATIONS: dict[str, Callable[[], Any]] = {"bare": bare, "Starlette": starlette, "FastAPI": fastapi}
LOOPS: dict[str, Callable[..., Any]] = {"asyncio": lambda work: asyncio.run(work()), "trio": trio.run}


class Server:
    """What a server sees of one connection."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self._scope = {key: dict(value) if key == "state" else value for key, value in scope.items()}
        kind = scope["type"]
        self._incoming: list[dict[str, Any]] = (
            [{"type": "http.request", "body": b"{\xff", "more_body": False}, {"type": "http.disconnect"}]
            if kind == "http"
            else [
                {"type": "websocket.connect"},
                {"type": "websocket.receive", "text": "\udcff"},
                {"type": "websocket.disconnect", "code": 1001},
            ]
        )
        self.sent: list[Any] = []
        self.error: BaseException | None = None

    async def receive(self) -> Any:
        return self._incoming.pop(0) if len(self._incoming) > 1 else self._incoming[0]

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def serve(self, app: Any) -> None:
        try:
            await app(self._scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 -- as a server does
            self.error = error

    def saw(self) -> tuple[Any, ...]:
        """Return the messages in their order, and the exception."""
        return self.sent, type(self.error), str(self.error)


@pytest.mark.often
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("application", APPLICATIONS)
def test_no_request_and_no_description_of_it_makes_a_difference(
    make_unmanaged_bench: "Callable[[], Bench]", application: str, loop: str
) -> None:
    run, make = LOOPS[loop], APPLICATIONS[application]
    alone, inner = make(), make()
    bench = make_unmanaged_bench()
    layer = bench.layer(inner)

    @given(scope=SCOPES)
    @settings(max_examples=often(500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def property_of(scope: dict[str, Any]) -> None:
        without, observed = Server(scope), Server(scope)

        async def both() -> None:
            await without.serve(alone)
            await observed.serve(layer)

        run(both)

        assert observed.saw() == without.saw()
        assert {part: count for part, count in bench.guard.failures.items() if count} == {}
        assert bench.in_flight() == 0

    property_of()

    connections = sum(sum(cell.counts) for _, cell in bench.instruments.sockets.duration.series())
    assert len(bench.events) == sum(bench.durations().values()) + connections == len(bench.server_spans())
    bench.provider.shutdown()
