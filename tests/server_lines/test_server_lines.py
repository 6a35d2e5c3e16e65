"""Every server's lines in every worker take our shape, once each, and the sample of them is what they are."""

import json
from collections import Counter
from importlib.metadata import PackageNotFoundError
from operator import itemgetter
from typing import Any

import pytest

from .sample import SAMPLE, document, versions
from .servers import CANARY, COMMANDS, Left, left_behind

pytestmark = [pytest.mark.once, pytest.mark.timeout(120)]

try:
    VERSIONS = versions()
except PackageNotFoundError as missing:
    pytest.skip(f"{missing} is not installed", allow_module_level=True)

KEYS = {"timestamp", "level", "event", "logger", "service"}
REQUESTS = ["/orders/{order}", "_unmatched", "/fail", "/stumble"]
# What may be written before a worker loads the application, and after it has ended; the main process has no
# application at all.
PLAIN = {
    "uvicorn": 0,
    "uvicorn --workers 2": 8,
    "gunicorn --worker-class asgi": 6,
    "gunicorn --worker-class uvicorn_worker.UvicornWorker": 7,
    "hypercorn": 0,
    "granian": 6,
}


@pytest.fixture(params=COMMANDS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def left(name: str) -> Left:
    return left_behind()[name]


@pytest.fixture
def records(left: Left) -> list[dict[str, Any]]:
    return [json.loads(line) for line in left.out if line.startswith("{")]


def of(records: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    """Return the records of *event* in the order of their own time: that of lines is a worker's alone."""
    return sorted((one for one in records if one["event"] == event), key=itemgetter("timestamp"))


def test_every_line_of_a_worker_is_a_record(name: str, left: Left, records: list[dict[str, Any]]) -> None:
    plain = [line for line in (*left.out, *left.err) if not line.startswith("{")]

    assert len(plain) <= PLAIN[name], plain
    assert [one for one in records if not one.keys() >= KEYS] == []
    assert CANARY not in str(left)


def test_nothing_is_said_twice(name: str, left: Left, records: list[dict[str, Any]]) -> None:
    workers = 2 if name.endswith("2") else 1
    said = Counter((one["event"], one.get("http_route"), one.get("to")) for one in records)

    assert {key: count for key, count in said.items() if count > workers} == {}


def test_each_request_has_its_canonical_event_and_no_access_line(records: list[dict[str, Any]]) -> None:
    assert [one["http_route"] for one in of(records, "http.request")] == REQUESTS
    assert [one["http_route"] for one in of(records, "websocket.connection")] == ["/talk"]
    assert [one for one in records if one["logger"].endswith("access") or "GET /" in one["event"]] == []


def test_an_exception_is_described_once_by_the_canonical_event(records: list[dict[str, Any]]) -> None:
    told = [(one["event"], one["exception"]["type"]) for one in records if "exception" in one]

    assert sorted(told) == [
        ("http.request", "RuntimeError"),
        ("process.uncaught_exception", "ZeroDivisionError"),
        ("websocket.connection", "RuntimeError"),
    ]
    assert "Traceback" not in str(records)


def test_the_lines_of_a_request_have_its_ids_and_their_fields(records: list[dict[str, Any]]) -> None:
    (shown,), (stock,) = of(records, "order.shown"), of(records, "2 left")
    request = of(records, "http.request")[0]

    assert (shown["trace_id"], shown["span_id"]) == (request["trace_id"], request["span_id"])
    assert (stock["trace_id"], stock["sku"], request["customer"]) == (request["trace_id"], "tea", 7)


def test_the_sample_has_what_the_servers_and_the_application_say(name: str) -> None:
    committed = SAMPLE.read_text(encoding="utf-8")

    # Not in which order: a worker and its server end side by side. Of servers of other versions it says what
    # has changed; versions alone change nothing.
    remedy = f"with {VERSIONS}: look at it, then run python -m tests.server_lines.sample"
    assert said(document(), name) == said(committed, name), remedy


def said(document: str, name: str) -> set[tuple[str, str, str] | str]:
    """Return what a sample says of a server, without what observekit says of itself."""
    lines = document.partition(f"## {name}\n")[2].partition("\n## ")[0].splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    plain = {line for line in lines if line.startswith(("[", "INFO"))}
    return plain | {
        (one["logger"], one["level"], one["event"]) for one in records if one["logger"] != "observekit"
    }
