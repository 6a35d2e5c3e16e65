"""What a request said below the level is written if it fails or is slow, with its own time, else never."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.context import Context, attach, detach
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from observekit import instrument, setup
from observekit.logs import flight
from observekit.logs.flight import Recorder
from observekit.logs.record import Record

log = structlog.get_logger("shop")
stdlib = logging.getLogger("shop.stdlib")


def chat(name: str) -> None:
    log.debug("one", of=name, password="hunter2")  # noqa: S106 -- planted
    stdlib.debug("two %s", name)
    log.info("three", of=name)


async def fine(request: Request) -> PlainTextResponse:
    chat("fine")
    return PlainTextResponse("ok")


async def fails(request: Request) -> PlainTextResponse:
    chat("fails")
    raise RuntimeError("boom")


def in_pool(request: Request) -> PlainTextResponse:
    chat("pool")
    return PlainTextResponse("no", 503)


async def slow(request: Request) -> StreamingResponse:
    async def body() -> AsyncIterator[str]:
        chat("slow")
        yield "x"

    return StreamingResponse(body(), background=BackgroundTask(log.debug, "later"))


async def flood(request: Request) -> PlainTextResponse:
    for number in range(1000):
        log.debug("flood", number=number)
    return PlainTextResponse("no", 500)


Ask = Callable[..., list[dict[str, Any]]]
ROUTES = [Route(f"/{one.__name__}", one) for one in (fine, fails, in_pool, slow, flood)]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str]) -> Ask:
    def asked(*paths: str, **settings: Any) -> list[dict[str, Any]]:
        app = Starlette(routes=ROUTES)
        settings = {"log_flight_recorder": "debug", "log_slow_seconds": 3600} | settings
        kit = instrument(app, registry=CollectorRegistry(), log_format="json", health=False, **settings)

        async def all_of_them() -> None:
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                await asyncio.gather(*(client.get(path) for path in paths))

        asyncio.run(all_of_them())
        kit.shutdown()
        records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        return [one for one in records if one["logger"].startswith("shop") or one["event"] == "http.request"]

    return asked


def of_trace(records: list[dict[str, Any]], path: str) -> list[str]:
    (ended,) = (one for one in records if one.get("url_path") == path)
    return [one["event"] for one in records if one["trace_id"] == ended["trace_id"]]


def test_a_request_that_went_well_leaves_nothing_of_it(ask: Ask) -> None:
    assert of_trace(ask("/fine"), "/fine") == ["three", "http.request"]


@pytest.mark.parametrize(("path", "name"), [("/fails", "fails"), ("/in_pool", "pool")])
def test_a_request_that_failed_says_what_it_did_before(ask: Ask, path: str, name: str) -> None:
    records = ask("/fine", path, "/fine")

    assert of_trace(records, path) == ["three", "one", f"two {name}", "http.request"]
    (ended,) = (record for record in records if record.get("url_path") == path)
    (one,) = (record for record in records if record["event"] == "one")
    (three,) = (record for record in records if (record["event"], record.get("of")) == ("three", name))
    assert (one["password"], ended["flight_records"]) == ("[redacted]", 2)
    assert one["timestamp"] < three["timestamp"] < ended["timestamp"]


def test_a_slow_request_is_told_too_and_what_comes_after_it_is_not(ask: Ask) -> None:
    records = ask("/slow", log_slow_seconds=0)

    assert of_trace(records, "/slow") == ["three", "one", "two slow", "later", "http.request"]


def test_the_last_records_are_kept_and_the_others_counted(ask: Ask) -> None:
    records = ask("/flood")

    kept = [one["number"] for one in records if one["event"] == "flood"]
    (ended,) = (one for one in records if one["event"] == "http.request")
    assert kept == list(range(1000 - flight.RECORDS, 1000))
    assert (ended["flight_records"], ended["flight_records_left_out"]) == (len(kept), 1000 - len(kept))


def test_without_a_recorder_nothing_is_kept(ask: Ask) -> None:
    assert of_trace(ask("/fails", log_flight_recorder=None), "/fails") == ["three", "http.request"]


def test_all_requests_together_hold_no_more_than_the_limit() -> None:
    written: list[bytes] = []
    recorder = Recorder(logging.DEBUG, 1, 1000, lambda _, made: written.append(made[0]))
    contexts = [recorder.begin(Context()) for _ in range(5)]
    for context in contexts:
        token = attach(context)
        for _ in range(3):
            recorder.keep("debug", (b"x" * 100, None))
        detach(token)
    ends = [recorder.end(context, 0, failed=True) for context in contexts]

    assert ends == [(3, 0), (3, 0), (3, 0), (1, 2), (0, 3)]
    assert (recorder._bytes, len(written)) == (0, 10)
    token = attach(contexts[0])
    recorder.keep("debug", (b"late", None))
    detach(token)
    assert recorder._bytes == 0


def test_a_record_that_is_sent_as_well_takes_as_much_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight, "BYTES", 400)
    recorder = Recorder(logging.DEBUG, 1, 700, lambda *_: None)
    contexts = [recorder.begin(Context()) for _ in range(3)]
    records: list[Record | None] = [{}, {}, None]
    for context, record in zip(contexts, records, strict=True):
        token = attach(context)
        for _ in range(3):
            recorder.keep("debug", (b"x" * 100, record))
        detach(token)
    held = recorder._bytes
    ends = [recorder.end(context, 0, failed=True) for context in contexts]

    assert (held, ends, recorder._bytes) == (700, [(2, 1), (1, 2), (1, 2)], 0)


def test_handlers_of_others_do_not_get_what_is_recorded() -> None:
    got: list[str] = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            got.append(record.getMessage())

    other, root = Other(), logging.getLogger()
    before = root.level
    root.addHandler(other)
    own = logging.getLogger("shop.own")
    own.setLevel(logging.DEBUG)
    kit = setup(registry=CollectorRegistry(), log_format="json", traces=False, log_flight_recorder="debug")

    stdlib.debug("recorded")
    stdlib.warning("said")
    own.debug("own")
    kit.shutdown()

    assert got == ["said", "own"]
    assert (other.filters, root.level) == ([], before)
    root.removeHandler(other)
    own.setLevel(logging.NOTSET)
