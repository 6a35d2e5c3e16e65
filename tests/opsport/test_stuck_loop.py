"""While the application's event loop stands still, the ops port answers, in time and right."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families as parse_text

from observekit import Kit, ObserveMiddleware

if TYPE_CHECKING:
    from tests.opsport.conftest import Client, Service

Make = Callable[..., "Service"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_metrics_and_probes_are_answered_while_a_handler_blocks_the_loop(
    make_service: Make, make_client: "type[Client]", loop: str
) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    service = make_service()
    ops = make_client(service.kit.ops_port or 0)

    with (
        service.served(loop) as application,
        service.standing_still(application) as waiting,
        application.connect() as other,
    ):
        other.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told = {path: ops.get(path) for path in ("/livez", "/readyz", "/startupz", "/metrics")}
        answered = _has_bytes(other), _has_bytes(waiting)
        service.release.set()
        later = application.rest(other)

    assert {path: one.status for path, one in told.items()} == dict.fromkeys(told, 200)
    in_flight = {
        sample.labels["http_request_method"]: sample.value
        for family in parse_text(told["/metrics"].body)
        for sample in family.samples
        if sample.name == "http_server_active_requests"
    }
    assert in_flight["GET"] == 1
    assert answered == (False, False)
    assert later.status == 200


def _has_bytes(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(30)


def test_asynchronous_checks_run_on_the_loop_of_the_application(
    make_service: Make, make_client: "type[Client]"
) -> None:
    service = make_service(check_cache_seconds=0, check_timeout_seconds=30, probe_timeout_seconds=30)
    ops = make_client(service.kit.ops_port or 0)
    ran: list[tuple[str, str]] = []

    def note(name: str) -> None:
        ran.append((name, threading.current_thread().name))

    async def pool() -> None:
        note("async")
        await asyncio.sleep(0)

    service.kit.readiness("pool")(pool)
    service.kit.readiness("lambda")(lambda: pool())  # noqa: PLW0108 -- a function that does not look asynchronous
    service.kit.readiness("sync")(lambda: note("sync"))

    with service.served() as application:
        application.get("/readyz")
        at_home = {thread for name, thread in ran if name == "async"}
        ran.clear()
        told = [ops.get("/readyz?verbose") for _ in range(2)]

    assert [one.status for one in told] == [200, 200]
    assert {thread for name, thread in ran if name == "async"} == at_home
    assert len(at_home) == 1
    assert {thread for name, thread in ran if name == "sync"} == {"observekit-check-sync"}
    assert len(ran) == 6


def test_checks_that_are_asked_while_the_application_starts_run_on_its_loop_too(
    make_kit: "Callable[..., Kit]", make_client: "type[Client]"
) -> None:
    kit = make_kit()
    ran: list[str] = []
    asked = threading.Event()

    async def alive() -> None:
        ran.append(threading.current_thread().name)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.to_thread(asked.wait, 30)
        await send({"type": "lifespan.startup.complete"})

    async def start() -> None:
        async def receive() -> dict[str, str]:
            return {"type": "lifespan.startup"}

        async def send(_: Any) -> None:
            return

        starting = asyncio.create_task(ObserveMiddleware(app)({"type": "lifespan"}, receive, send))
        await asyncio.sleep(0)  # It begins.
        told = await asyncio.to_thread(make_client(kit.ops_port or 0).get, "/livez")
        asked.set()
        await starting
        assert (told.status, kit.lifecycle.state) == (200, "ready")

    kit.liveness("self")(alive)

    asyncio.run(start())

    assert ran == [threading.current_thread().name]


def test_a_slow_collector_is_on_both_pages_that_are_asked_for_at_once(
    make_service: Make, make_client: "type[Client]"
) -> None:
    registry = CollectorRegistry()
    service = make_service(registry=registry)
    ops = make_client(service.kit.ops_port or 0)
    both = threading.Barrier(2)

    class Slow:
        def collect(self) -> Iterator[GaugeMetricFamily]:
            both.wait(30)
            yield GaugeMetricFamily("slow", "h", value=1)

    collector: Any = Slow()
    collector.describe = list
    registry.register(collector)

    with service.served() as application, application.connect() as first, ops.connect() as second:
        for one in (first, second):
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told = [application.rest(first).body, ops.rest(second).body]

    assert ["\nslow 1.0\n" in page for page in told] == [True, True]


def test_readiness_says_which_checks_had_no_chance_and_liveness_stays(
    make_service: Make, make_client: "type[Client]"
) -> None:
    service = make_service(check_cache_seconds=0, check_timeout_seconds=0.5)
    ops = make_client(service.kit.ops_port or 0)

    async def fine() -> None:
        await asyncio.sleep(0)

    service.kit.readiness("pool")(fine)
    service.kit.readiness("disk")(lambda: True)
    service.kit.liveness("self")(fine)

    with service.served() as application, service.standing_still(application):
        ready, alive = ops.get("/readyz?verbose"), ops.get("/livez?verbose")
        service.kit.lifecycle.fail("out of memory")
        broken = ops.get("/livez")

    assert (ready.status, ready.body) == (
        503,
        "[-] pool timeout (required, n ms)\n[+] disk ok (required, n ms)\nfailed\n",
    )
    assert (alive.status, alive.body) == (200, "[-] self timeout (required, n ms)\nok\n")
    assert (broken.status, broken.body) == (503, "broken\n")


def test_a_liveness_check_that_hangs_on_a_loop_that_turns_fails(
    make_service: Make, make_client: "type[Client]"
) -> None:
    service = make_service(check_cache_seconds=0, check_timeout_seconds=0.1)
    ops = make_client(service.kit.ops_port or 0)

    async def hangs() -> None:
        await asyncio.get_running_loop().create_future()

    service.kit.liveness("self")(hangs)

    with service.served() as application:
        application.get("/livez")
        alive = ops.get("/livez?verbose")

    assert (alive.status, alive.body) == (503, "[-] self timeout (required, n ms)\nfailed\n")


def test_a_loop_that_turns_again_finds_one_run_of_a_check_and_not_one_for_each_probe(
    make_service: Make, make_client: "type[Client]"
) -> None:
    service = make_service(check_cache_seconds=0, check_timeout_seconds=0.1)
    ops = make_client(service.kit.ops_port or 0)
    runs: list[None] = []

    async def pool() -> None:
        runs.append(None)
        await asyncio.sleep(0)

    async def wraps() -> None:
        runs.append(None)

    service.kit.readiness("pool")(pool)
    service.kit.readiness("wrapped")(lambda: wraps())  # noqa: PLW0108 -- as above

    with service.served() as application, service.standing_still(application):
        during = [ops.get("/readyz").status for _ in range(10)]
        begun = len(runs)
        service.release.set()
        application.get("/")
        after = application.get("/readyz").status

    assert (during, begun) == ([503] * 10, 0)
    assert after == 200
    assert len(runs) <= 4


def test_both_ports_share_one_run(make_service: Make, make_client: "type[Client]") -> None:
    service = make_service()
    ops = make_client(service.kit.ops_port or 0)
    begun, finish = threading.Event(), threading.Event()
    runs: list[None] = []

    async def slow() -> None:
        runs.append(None)
        begun.set()
        await asyncio.to_thread(finish.wait, 30)

    service.kit.readiness("slow")(slow)

    def waiters() -> int:
        run = service.kit.engine._checks["slow"].runner._run
        return 0 if run is None else len(run._waiting)

    async def both_wait() -> None:
        async with asyncio.timeout(30):
            while waiters() < 2:  # noqa: ASYNC110 -- as above
                await asyncio.sleep(0.001)

    with service.served() as application, application.connect() as first, ops.connect() as second:
        for one in (second, first):
            one.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert begun.wait(30)
        asyncio.run(both_wait())
        finish.set()
        told = [application.rest(first).status, ops.rest(second).status]

    assert (told, len(runs)) == ([200, 200], 1)
