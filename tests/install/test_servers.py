"""A real server and the test client drive the life cycle by the lifespan of the application."""

import http.client
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Literal

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import Kit, ObserveMiddleware, instrument

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Make = Callable[..., Kit]


class Shop:
    """An application that notes the state its process is in while it starts and ends."""

    def __init__(self, kit: Kit, failing: bool = False) -> None:  # noqa: FBT002 -- one test fails it
        self.kit = kit
        self.states: list[str] = []
        self.failing = failing
        self.app = Starlette(
            routes=[Route("/items/{sku}", lambda _: PlainTextResponse("tea"))], lifespan=self.lifespan
        )
        instrument(self.app)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.states.append(self.kit.lifecycle.state)
        if self.failing:
            raise ConnectionError("no database")
        yield
        self.states.append(self.kit.lifecycle.state)


class Announced(uvicorn.Server):
    """A server that says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.announced = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announced.set()


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"tea"})


@contextmanager
def serving(app: Any, lifespan: Literal["auto", "on"] = "auto") -> Iterator[http.client.HTTPConnection]:
    """Serve *app* with uvicorn, and connect to it, if it has started."""
    server = Announced(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan=lifespan, log_config=None))

    def run() -> None:
        try:
            with suppress(SystemExit):  # So ends the process of a server whose application cannot start.
                server.run()
        finally:
            server.announced.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert server.announced.wait(LONG)
    port = server.servers[0].sockets[0].getsockname()[1] if server.started else 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        yield connection
    finally:
        connection.close()
        server.should_exit = True
        thread.join(LONG)


def _get(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[int, str]:
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_a_server_takes_the_process_through_its_life(make_kit: Make) -> None:
    kit = make_kit(logs="off", traces=False)
    shop = Shop(kit)

    with serving(shop.app) as connection:
        told = [_get(connection, path) for path in ("/livez", "/readyz", "/startupz", "/items/1")]
        during = kit.lifecycle.state

    assert told == [(200, "ok\n")] * 3 + [(200, "tea")]
    assert shop.states == ["starting", "draining"]
    assert (during, kit.lifecycle.state) == ("ready", "stopped")


def test_a_drain_that_was_asked_for_lets_the_server_go_on(make_kit: Make) -> None:
    kit = make_kit(logs="off", traces=False)

    with serving(Shop(kit).app) as connection:
        kit.lifecycle.drain()
        told = [_get(connection, path) for path in ("/livez", "/readyz", "/startupz", "/items/1")]

    assert told == [(200, "ok\n"), (503, "draining\n"), (200, "ok\n"), (200, "tea")]


def test_a_start_up_that_fails_leaves_the_process_broken(make_kit: Make) -> None:
    kit = make_kit(logs="off", traces=False)
    shop = Shop(kit, failing=True)

    with serving(shop.app) as connection, pytest.raises(OSError, match=r"refused|assign"):
        _get(connection, "/livez")

    assert shop.states == ["starting"]
    assert kit.lifecycle.state == "broken"


def test_an_application_that_failed_to_start_may_start_again(make_kit: Make) -> None:
    kit = make_kit(logs="off", traces=False)
    shop = Shop(kit, failing=True)
    with serving(shop.app):
        before = kit.lifecycle.state

    shop.failing = False
    with serving(shop.app) as connection:
        told = _get(connection, "/readyz")

    assert (before, told) == ("broken", (200, "ok\n"))


@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize(("lifespan", "starts"), [("on", False), ("auto", True)])
def test_a_server_that_insists_on_a_lifespan_refuses_an_application_without_observed_or_not(
    make_kit: Make, lifespan: Literal["auto", "on"], starts: bool, observed: bool
) -> None:
    make_kit(logs="off", traces=False)
    app = ObserveMiddleware(without_lifespan) if observed else without_lifespan

    with serving(app, lifespan) as connection:
        try:
            told = _get(connection, "/items/1")
        except OSError:
            told = None

    assert told == ((200, "tea") if starts else None)


def test_two_servers_in_one_process_are_ready_when_both_are(make_kit: Make) -> None:
    kit = make_kit(logs="off", traces=False)

    with serving(Shop(kit).app) as first, serving(Shop(kit).app) as second:
        told = [_get(first, "/readyz"), _get(second, "/readyz")]

    assert told == [(200, "ok\n")] * 2


@pytest.mark.parametrize(
    "accept", ["", "\xff\xfe", "application/openmetrics-text;version=1.x", "x," * 20_000]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_scraper_gets_an_error_from_a_real_server(make_kit: Make, method: str, accept: str) -> None:
    kit = make_kit(logs="off", traces=False)

    with serving(Shop(kit).app) as connection:
        status, text = _get(connection, "/metrics", method, accept=accept)

    assert status == 200
    assert ("# TYPE target_info gauge\n" in text) == (method == "GET")


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient.")
def test_the_test_client_lives_one_life_after_the_other(make_kit: Make) -> None:
    from starlette.testclient import TestClient

    kit = make_kit(logs="off", traces=False)
    shop = Shop(kit)
    kit.readiness("db")(lambda: True)

    told = []
    for _ in range(3):
        with TestClient(shop.app) as client:
            told.append((client.get("/readyz").text, client.get("/items/1").text))
        told.append((kit.lifecycle.state, ""))

    assert told == [("ok\n", "tea"), ("stopped", "")] * 3
    assert shop.states == ["starting", "draining"] * 3
