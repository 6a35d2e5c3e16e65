"""What a WebSocket connection shows while it is open, and what its span and its event say."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import APIRouter, FastAPI
from opentelemetry.trace import get_current_span
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Router, WebSocketRoute
from starlette.websockets import WebSocket

from observekit import annotate

if TYPE_CHECKING:
    from tests.http.websockets.conftest import Ending, Sockets

TRACE, SPAN = "12345678901234567890123456789012", "1234567890123456"
PARENT = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())
TEXT = {"type": "websocket.receive", "text": "in"}
GONE = {"type": "websocket.disconnect", "code": 1000}
ACCEPT = {"type": "websocket.accept"}


async def echo(websocket: WebSocket) -> None:
    """Answer each message until the client goes, as tutorials write it: nothing is caught."""
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())


def nested() -> Starlette:
    here = [WebSocketRoute("/chat/{room}", echo)]
    tenants = Host("{tenant}.service.test", Router(here))
    return Starlette(routes=[*here, Mount("/in/{t}", routes=[Mount("/deep", routes=here)]), tenants])


def included() -> FastAPI:
    inner = APIRouter(prefix="/v1")
    inner.add_api_websocket_route("/chat/{room}", echo)
    outer = APIRouter(prefix="/api")
    outer.include_router(inner)
    app, mounted = FastAPI(), FastAPI()
    mounted.add_api_websocket_route("/chat/{room}", echo)
    app.include_router(outer)
    app.mount("/sub/{t}", mounted)
    return app


ROUTES: dict[str, tuple[Callable[[], Any], str, str, str]] = {
    "a route": (nested, "service.test", "/chat/1", "/chat/{room}"),
    "in mounts": (nested, "service.test", "/in/acme/deep/chat/1", "/in/{t}/deep/chat/{room}"),
    "of a host": (nested, "acme.service.test", "/chat/1", "/chat/{room}"),
    "included": (included, "service.test", "/api/v1/chat/1", "/api/v1/chat/{room}"),
    "mounted in FastAPI": (included, "service.test", "/sub/acme/chat/1", "/sub/{t}/chat/{room}"),
}


@pytest.mark.parametrize(("make", "host", "path", "route"), ROUTES.values(), ids=ROUTES)
def test_a_connection_has_the_route_that_took_it_from_its_accept_on(
    sockets: "Sockets", ending: "type[Ending]", make: Any, host: str, path: str, route: str
) -> None:
    got = sockets.ending_of(make(), path, TEXT, GONE, host=host)

    assert got == ending(route, 101, 1000, "peer", "ok")
    assert sockets.by_route() == {route: 0}
    assert sockets.messages() == {(route, "received"): 1, (route, "sent"): 1}


@pytest.mark.parametrize("make", [nested, included])
def test_a_path_that_no_route_takes_is_refused_and_no_route(
    sockets: "Sockets", ending: "type[Ending]", make: Any
) -> None:
    got = sockets.ending_of(make(), "/nowhere/4711")

    assert got == ending("_unmatched", 403, None, "application", "client_error")
    assert sockets.durations() == {("_unmatched", "_denied"): 1}
    assert sockets.bench.server_spans()[0].name == "WS"


def test_an_open_connection_is_counted_while_it_lives(sockets: "Sockets", call: Any) -> None:
    seen: list[Any] = []

    async def look(websocket: WebSocket) -> None:
        seen.append(dict(sockets.by_route()))
        await websocket.accept()
        await websocket.receive_text()
        await websocket.send_text("out")
        seen.append((dict(sockets.by_route()), sockets.messages(), sockets.durations()))
        await websocket.close()
        seen.append(dict(sockets.by_route()))

    sockets.connect(Starlette(routes=[WebSocketRoute("/x", look)]), "/x", TEXT)

    live: Any = ({"/x": 1}, {("/x", "received"): 1, ("/x", "sent"): 1}, {})
    assert seen == [{}, live, {"/x": 0}]


def test_a_refusal_never_counts_as_open(sockets: "Sockets") -> None:
    async def refuse(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse("no", 418))

    sockets.connect(Starlette(routes=[WebSocketRoute("/x", refuse)]), "/x")

    assert sockets.by_route() == {}
    assert sockets.durations() == {("/x", "_denied"): 1}
    assert sockets.bench.events[0]["http_response_status_code"] == 418


def test_failures_of_a_route_are_at_zero_as_soon_as_it_is_seen(sockets: "Sockets") -> None:
    sockets.connect(nested(), "/chat/1", GONE)

    series = sockets.bench.instruments.sockets.duration.series()
    counts = {labels: sum(cell.counts) for labels, cell in series}
    assert counts == {("/chat/{room}", code): n for code, n in (("1000", 1), ("1006", 0), ("1011", 0))}


def test_a_connection_has_one_span_whatever_it_says(sockets: "Sockets") -> None:
    sockets.connect(nested(), "/chat/1", *[TEXT] * 50, GONE, headers=[(b"user-agent", b"tab/1")])

    (span,) = sockets.bench.exporter.get_finished_spans()
    assert (span.name, span.events, span.links) == ("WS /chat/{room}", (), ())
    assert dict(span.attributes or {}) == {
        "network.protocol.name": "websocket",
        "url.scheme": "ws",
        "url.path": "/chat/1",
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "user_agent.original": "tab/1",
        "http.route": "/chat/{room}",
        "http.response.status_code": 101,
        "websocket.close_code": 1000,
    }


@pytest.mark.parametrize(("client", "continued"), [("10.0.0.1", True), ("8.8.8.8", False)])
def test_the_trace_of_a_handshake_is_continued_for_callers_that_are_trusted(
    sockets: "Sockets", client: str, continued: bool
) -> None:
    scope = {"client": (client, 4711)}

    sockets.connect(nested(), "/chat/1", GONE, headers=[PARENT], scope_of=scope)

    (span,) = sockets.bench.server_spans()
    assert span.context is not None
    assert (f"{span.context.trace_id:032x}" == TRACE) is continued
    assert len(span.links) == (0 if continued else 1)


def test_the_event_says_all_that_is_known_and_was_annotated(sockets: "Sockets") -> None:
    async def look(websocket: WebSocket) -> None:
        await websocket.accept()
        annotate(room="blue", outcome="fun", span=get_current_span().get_span_context().is_valid)
        await websocket.receive_text()
        await websocket.close(1001)

    sockets.connect(Starlette(routes=[WebSocketRoute("/x/{y}", look)]), "/x/1?token=hunter2", TEXT)

    (event,) = sockets.bench.events
    own = {"timestamp", "trace_id", "span_id", "trace_flags"}
    kept = {key: event[key] for key in event if key not in own}
    assert isinstance(kept.pop("duration_seconds"), float)
    assert kept.pop("url_path").startswith("/x/1")
    assert kept == {
        "level": "info",
        "event": "websocket.connection",
        "logger": "observekit.http",
        "service": "service",
        "http_route": "/x/{y}",
        "http_response_status_code": 101,
        "websocket_close_code": 1001,
        "closed_by": "application",
        "outcome": "ok",
        "messages_received": 1,
        "messages_sent": 0,
        "client_address": "127.0.0.1",
        "room": "blue",
        "outcome_": "fun",
        "span": True,
    }


def test_an_exception_is_in_the_event_and_the_span(sockets: "Sockets") -> None:
    async def fail(websocket: WebSocket) -> None:
        await websocket.accept()
        raise ValueError("broken")

    sockets.connect(Starlette(routes=[WebSocketRoute("/x", fail)]), "/x")

    (event,), (span,) = sockets.bench.events, sockets.bench.server_spans()
    assert (event["level"], event["exception"]["type"]) == ("error", "ValueError")
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert [one.name for one in span.events] == ["exception"]


def test_a_disconnect_that_nobody_catches_is_no_exception(sockets: "Sockets") -> None:
    sockets.connect(nested(), "/chat/1", GONE)

    assert "exception" not in sockets.bench.events[0]
    assert sockets.bench.server_spans()[0].events == ()


def test_an_application_in_an_application_counts_once_when_both_are_observed(
    sockets: "Sockets", ending: "type[Ending]"
) -> None:
    outer = Starlette(routes=[Mount("/out", app=sockets.bench.layer(nested()))])

    got = sockets.ending_of(sockets.bench.layer(outer), "/out/chat/1", GONE)

    assert got == ending("/out/chat/{room}", 101, 1000, "peer", "ok")


def test_two_connections_at_once_are_two_accounts(sockets: "Sockets") -> None:
    both = asyncio.Event()

    async def meet(websocket: WebSocket) -> None:
        await websocket.accept()
        if sockets.open() == 2:
            both.set()
        await both.wait()
        annotate(which=websocket.path_params["which"])
        await websocket.close(1000 if websocket.path_params["which"] == "1" else 1011)

    layer = sockets.bench.layer(Starlette(routes=[WebSocketRoute("/x/{which}", meet)]))

    async def meeting() -> None:
        await asyncio.gather(*(sockets.connection(f"/x/{which}").make(layer) for which in "12"))

    sockets.bench.run(meeting())

    assert sockets.open() == 0
    assert sockets.durations() == {("/x/{which}", "1000"): 1, ("/x/{which}", "1011"): 1}
    told = {event["which"]: event["outcome"] for event in sockets.bench.events}
    assert told == {"1": "ok", "2": "server_error"}
    assert len({event["trace_id"] for event in sockets.bench.events}) == 2
