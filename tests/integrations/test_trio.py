"""On trio: requests are observed as on asyncio, the metrics page and the probes answer, checks run."""

import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.lowlevel
from prometheus_client.core import GaugeMetricFamily
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from observekit import instrument

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed, OnTrio

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Begin = Callable[..., "OnTrio"]


async def item(request: Request) -> Response:
    await trio.lowlevel.checkpoint()
    return PlainTextResponse("item")


def shop() -> Starlette:
    return Starlette(routes=[Route("/items/{item}", item)])


def failures(observed: "Observed") -> dict[tuple[str, ...], float]:
    """Return what of ours has failed."""
    return observed.samples("observekit_internal_errors_total")


def test_a_request_on_trio_is_counted_and_traced_and_logged(
    observe: "Callable[..., Observed]", begin: Begin, capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own")
    server = begin(shop())

    answer = server.get("/items/7")

    (span,) = observed.spans_until(1)
    server.stop()
    observed.kit.shutdown()
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    (event,) = [one for one in said if one["event"] == "http.request"]
    assert answer == (200, "item")
    assert span.name == "GET /items/{item}"
    assert span.context is not None
    assert (event["http_route"], event["outcome"]) == ("/items/{item}", "ok")
    assert event["trace_id"] == f"{span.context.trace_id:032x}"
    assert [one for one in said if one["event"] == "observekit.internal_error"] == []


def test_the_metrics_page_answers_on_trio(observed: "Observed", begin: Begin) -> None:
    server = begin(shop())
    server.get("/items/7")
    observed.spans_until(1)

    status, page = server.get("/metrics")

    assert status == 200
    labels = 'http_request_method="GET",http_response_status_code="200",http_route="/items/{item}"'
    assert f"http_server_request_duration_seconds_count{{{labels}}} 1.0" in page
    assert failures(observed) == {}


def test_a_collector_that_hangs_costs_its_own_families_on_trio_too(
    observed: "Observed", begin: Begin
) -> None:
    release = threading.Event()

    class Hangs:
        def collect(self) -> list[GaugeMetricFamily]:
            if threading.current_thread().name.startswith("observekit-collect"):
                release.wait(LONG)
            return [GaugeMetricFamily("late", "Late.", 1)]

    observed.kit.registry.register(Hangs())
    server = begin(shop())

    status, page = server.get("/metrics")
    release.set()

    assert status == 200
    assert "http_server_active_requests" in page
    assert "\nlate " not in page


def test_probes_answer_on_trio(observed: "Observed", begin: Begin) -> None:
    server = begin(shop())

    told = [server.get(path) for path in ("/livez", "/readyz", "/startupz")]

    assert told == [(200, "ok\n")] * 3
    assert failures(observed) == {}


def test_a_check_of_trio_runs_where_the_application_does(observed: "Observed", begin: Begin) -> None:
    where: list[str] = []

    @observed.kit.readiness
    async def database() -> None:
        await trio.lowlevel.checkpoint()
        where.append(threading.current_thread().name)

    server = begin(shop())
    told = server.get("/readyz")

    assert told == (200, "ok\n")
    assert where == [server.name]
    assert failures(observed) == {}


def test_a_check_that_only_returns_something_of_trio_is_awaited_too(
    observed: "Observed", begin: Begin
) -> None:
    async def database() -> bool:
        await trio.lowlevel.checkpoint()
        return False

    observed.kit.add_check("database", lambda: database())  # noqa: PLW0108 -- this is how it does not look it
    server = begin(shop())

    assert server.get("/readyz") == (503, "failed\n")
    assert failures(observed) == {}


def test_a_synchronous_check_runs_on_its_thread_on_trio(observed: "Observed", begin: Begin) -> None:
    where: list[str] = []

    @observed.kit.readiness
    def disk() -> bool:
        where.append(threading.current_thread().name)
        return False

    server = begin(shop())
    told = server.get("/readyz")

    assert told == (503, "failed\n")
    assert where == ["observekit-check-disk"]
    assert failures(observed) == {}


def test_a_check_that_hangs_on_trio_is_given_up_and_cancelled(observed: "Observed", begin: Begin) -> None:
    cancelled = threading.Event()

    async def database() -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    observed.kit.add_check("database", database, timeout_seconds=0.05)
    server = begin(shop())

    told = server.get("/readyz?verbose")

    assert told[0] == 503
    assert "[-] database timeout (required" in told[1]
    assert cancelled.wait(LONG)
    assert failures(observed) == {}


def test_the_ops_port_asks_a_check_of_trio_where_the_application_runs(
    observe: "Callable[..., Observed]", begin: Begin
) -> None:
    observed = observe(ops_port=0)
    where: list[str] = []

    @observed.kit.readiness
    async def database() -> None:
        await trio.lowlevel.checkpoint()
        where.append(threading.current_thread().name)

    server = begin(shop())
    server.get("/livez")  # It is known from then on where the application runs.
    connection = HTTPConnection("127.0.0.1", observed.kit.ops_port, timeout=LONG)
    connection.request("GET", "/readyz")
    status = connection.getresponse().status
    connection.close()

    assert (status, where) == (200, [server.name])
    assert failures(observed) == {}


def test_many_scrapes_and_probes_at_once_are_all_answered_on_trio(observed: "Observed", begin: Begin) -> None:
    before = set(threading.enumerate())
    server = begin(shop())
    statuses: list[int] = []

    def ask(path: str) -> None:
        statuses.append(server.get(path)[0])

    askers = [threading.Thread(target=ask, args=(path,)) for path in ["/metrics", "/readyz"] * 20]
    for one in askers:
        one.start()
    for one in askers:
        one.join(LONG)

    assert statuses == [200] * 40
    assert [one.name for one in set(threading.enumerate()) - before].count("observekit-aside") == 1
    assert failures(observed) == {}


def test_without_any_loop_a_probe_is_answered(observed: "Observed") -> None:
    app = shop()
    instrument(app)
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    work: Any = app(
        {"type": "http", "method": "GET", "path": "/livez", "headers": [], "root_path": ""}, receive, send
    )
    with pytest.raises(StopIteration):
        work.send(None)

    assert sent[0]["status"] == 200
