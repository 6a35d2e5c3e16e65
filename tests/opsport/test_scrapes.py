"""Slow scrapers of the application's port cost its users nothing but turns."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

if TYPE_CHECKING:
    from tests.opsport.conftest import Client, Service

Make = Callable[..., "Service"]
SCRAPERS = 20


@pytest.fixture
def registry() -> CollectorRegistry:
    """Ten thousand series, with labels as long as labels are."""
    registry = CollectorRegistry()
    gauge = Gauge("level", "h", ["route", "shop"], registry=registry)
    for number in range(10_000):
        gauge.labels(f"/customers/{{customer_id}}/orders/{{order_id}}/{number}", "x" * 150).set(number)
    return registry


async def _ask(service: "Service", path: str, send: Any) -> None:
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await service.app({**scope, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}, None, send)  # type: ignore[arg-type]  # nobody receives


@pytest.mark.anyio
async def test_requests_are_answered_between_the_turns_of_a_page_that_twenty_wait_for(
    make_service: Make, registry: CollectorRegistry
) -> None:
    service = make_service(registry=registry, ops_port=None)
    pieces: list[list[bytes]] = [[] for _ in range(SCRAPERS)]
    taken = asyncio.Event()

    async def ignore(_: Any) -> None:
        return

    def slow(got: list[bytes]) -> Any:
        async def send(message: Any) -> None:
            got.append(message.get("body", b""))
            await taken.wait()  # As a server does whose client does not read.

        return send

    scrapes = [asyncio.create_task(_ask(service, "/metrics", slow(got))) for got in pieces]
    answered = 0
    while not all(pieces):
        await _ask(service, "/", ignore)
        answered += 1
        await asyncio.sleep(0)
    for _ in range(100):  # Nobody has read a byte by now.
        await _ask(service, "/", ignore)
    begun = [len(got) for got in pieces]
    taken.set()
    await asyncio.gather(*scrapes)

    # A page of this size is many turns, and after each the loop has let one more request through.
    assert answered > len(pieces[0]) // 2 > 10
    assert begun == [1] * SCRAPERS
    assert len({b"".join(got) for got in pieces}) == 1


def test_a_real_server_answers_others_while_twenty_scrapers_do_not_read(
    make_service: Make, registry: CollectorRegistry
) -> None:
    service = make_service(registry=registry)

    with service.served() as application:
        scrapers = [application.connect(receive_bytes=4096) for _ in range(SCRAPERS)]
        for one in scrapers:
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told = [application.get("/").status for _ in range(100)]
        pages = [application.rest(one) for one in scrapers]
        for one in scrapers:
            one.close()

    assert told == [200] * 100
    assert {page.status for page in pages} == {200}
    assert {page.body.count("\nlevel{") for page in pages} == {10_000}


def test_the_time_of_a_page_is_absent_until_there_was_one(ops: "Client") -> None:
    first, second = ("\nobservekit_scrape_duration_seconds " in ops.get("/metrics").body for _ in range(2))

    assert (first, second) == (False, True)
