"""Spans as a tree, and a request told from its spans and its log lines."""

import asyncio
import gzip
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from observekit.cli.demo.collector import Collector, Traces
from observekit.cli.demo.processes import Children, tail
from observekit.cli.demo.screen import ASCII_MARKS, Line, Marks
from observekit.cli.demo.spans import Node, Span, failing, tree
from observekit.cli.demo.story import log_lines, records_of, trace_lines

_ROOT = Span(
    trace_id="t",
    span_id="1",
    parent_id="",
    service="storefront",
    name="POST /checkout/{sku}",
    kind="server",
    started=10.0,
    ended=10.1,
    status=502,
    failed=True,
)
_CALL = replace(
    _ROOT, span_id="2", parent_id="1", name="POST", kind="client", started=10.01, peer="127.0.0.1:8001"
)
_ORDER = replace(
    _ROOT, span_id="3", parent_id="2", service="orders", name="POST /orders", started=10.02, ended=10.06
)
_BROKEN = replace(_ORDER, error="KeyError: 'x'")
_BANK = replace(
    _ORDER, span_id="4", parent_id="3", name="charge card", kind="internal", status=None, failed=False
)
_LEDGER = replace(_BANK, span_id="5", name="ledger", started=10.03, ended=10.0301)


def _text(lines: Iterable[Line]) -> list[str]:
    return ["".join(part.text for part in line).rstrip() for line in lines]


def test_spans_grow_into_a_tree_in_the_order_of_time() -> None:
    grown = tree([_LEDGER, _BANK, _ORDER, _CALL, _ROOT])

    bank, ledger = Node(_BANK, ()), Node(_LEDGER, ())
    assert grown == (Node(_ROOT, (Node(_CALL, (Node(_ORDER, (bank, ledger)),)),)),)


def test_a_span_whose_parent_did_not_arrive_is_a_root() -> None:
    assert tree([_ORDER, _BANK]) == (Node(_ORDER, (Node(_BANK, ()),)),)


def test_a_trace_is_told_when_it_failed_in_all_services_and_is_complete() -> None:
    whole = (_ROOT, _CALL, _ORDER)
    fine = tuple(replace(span, status=201) for span in whole)
    unanswered = (_ROOT, _CALL, replace(_ORDER, parent_id="1"))
    headless = (_CALL, _ORDER)

    assert failing([fine, unanswered, headless, (_ROOT,), whole], ("storefront", "orders")) == whole
    assert failing([fine], ("storefront",)) is None


def test_a_trace_is_shown_as_a_tree_with_bars() -> None:
    lines = _text(trace_lines((_ROOT, _CALL, _BROKEN, _BANK, _LEDGER), 96, Marks()))

    assert lines == [
        "SPAN                                            SERVICE      STATUS     TIME",
        "POST /checkout/{sku}                            storefront      502   100 ms  ━━━━━━━━━━━━━━━━━━",
        "└─ POST → 127.0.0.1:8001                        storefront      502    90 ms   ━━━━━━━━━━━━━━━━",
        "   └─ POST /orders                              orders          502    40 ms     ━━━━━━━",
        "      │  KeyError: 'x'",
        "      ├─ charge card                            orders                 40 ms     ━━━━━━━",
        "      └─ ledger                                 orders                0.1 ms       ━",
    ]


def test_a_narrow_terminal_gets_no_bars_and_a_simple_one_no_line_drawing() -> None:
    lines = _text(trace_lines((_ROOT, _CALL), 60, ASCII_MARKS))

    assert lines == [
        "SPAN                            SERVICE      STATUS     TIME",
        "POST /checkout/{sku}            storefront      502   100 ms",
        "`- POST -> 127.0.0.1:8001       storefront      502    90 ms",
    ]


def test_log_records_are_one_sentence_each_and_exceptions_name_their_place() -> None:
    head = {"level": "error", "service": "orders", "trace_id": "t", "logger": "x"}
    request = {
        **head,
        "timestamp": "2026-01-02T03:04:05.678901Z",
        "event": "http.request",
        "sku": "tea",
        "http_request_method": "POST",
        "http_route": "/orders",
        "http_response_status_code": 500,
        "duration_seconds": 0.012,
        "outcome": "server_error",
        "url_path": "/orders",
        "exception": {"type": "KeyError", "message": "'x'", "frames": ["/a/b.py:1 in f", "/a/c.py:2 in g"]},
    }
    other = {
        **head,
        "timestamp": "2026-01-02T03:04:06.000000Z",
        "level": "info",
        "event": "charged",
        "total": 4,
    }

    assert _text(log_lines([request, other], 80, Marks())) == [
        "03:04:05.678  error    orders      http.request  POST /orders 500 in 12 ms",
        "                                   sku=tea",
        "                                   KeyError: 'x'  (c.py:2 in g)",
        "03:04:06.000  info     orders      charged  total=4",
    ]


def test_lines_of_a_trace_are_joined_from_all_files_by_time(tmp_path: Path) -> None:
    first = {"timestamp": "1", "trace_id": "t" * 32, "event": "a"}
    second = {"timestamp": "2", "trace_id": "t" * 32, "event": "b"}
    foreign = {"timestamp": "3", "trace_id": "u" * 32, "event": f"saw {'t' * 32}"}
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text(f"{json.dumps(second)}\n{json.dumps(foreign)}\nno JSON {'t' * 32}\n")
    other.write_text(f'{json.dumps(first)}\n{{"trace_id": "{"t" * 32}", "torn')

    assert records_of("t" * 32, [one, other]) == [first, second]


def test_the_oldest_traces_go_first() -> None:
    traces = Traces()

    traces.add(replace(_ROOT, trace_id=str(number)) for number in range(1200))

    kept = traces.newest_first()
    assert (len(kept), kept[0][0].trace_id, kept[-1][0].trace_id) == (1000, "1199", "200")


def _pair(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


def _export() -> bytes:
    event = trace_pb2.Span.Event(
        name="exception",
        attributes=[
            _pair("exception.type", string_value="KeyError"),
            _pair("exception.message", string_value="'x'"),
        ],
    )
    span = trace_pb2.Span(
        trace_id=bytes(15) + b"\1",
        span_id=bytes(7) + b"\2",
        name="GET /a",
        kind=trace_pb2.Span.SPAN_KIND_SERVER,
        start_time_unix_nano=1_000_000_000,
        end_time_unix_nano=1_500_000_000,
        attributes=[_pair("http.response.status_code", int_value=500)],
        events=[event],
        status=trace_pb2.Status(code=trace_pb2.Status.STATUS_CODE_ERROR),
    )
    resource = Resource(attributes=[_pair("service.name", string_value="shop")])
    spans = trace_pb2.ResourceSpans(
        resource=resource, scope_spans=[trace_pb2.ScopeSpans(spans=[span, trace_pb2.Span(name="b")])]
    )
    body: bytes = ExportTraceServiceRequest(resource_spans=[spans]).SerializeToString()
    return body


def _post(url: str, body: bytes, **headers: str) -> int:
    request = urllib.request.Request(f"{url}/v1/traces", body, headers)  # noqa: S310 -- our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("compressed", [False, True])
def test_the_collector_takes_an_export_as_it_comes_over_the_wire(*, compressed: bool) -> None:
    body = gzip.compress(_export()) if compressed else _export()
    headers = {"Content-Encoding": "gzip"} if compressed else {}

    with Collector() as collector:
        status = _post(collector.url, body, **headers)
        other, first = collector.traces.newest_first()

    assert status == 200
    assert other[0].name == "b"
    assert first == (
        Span(
            trace_id="00000000000000000000000000000001",
            span_id="0000000000000002",
            parent_id="",
            service="shop",
            name="GET /a",
            kind="server",
            started=1.0,
            ended=1.5,
            status=500,
            failed=True,
            error="KeyError: 'x'",
        ),
    )


@pytest.mark.parametrize(("body", "headers"), [(b"\xff", {}), (b"x", {"Content-Encoding": "gzip"})])
def test_the_collector_refuses_what_it_cannot_read(body: bytes, headers: dict[str, str]) -> None:
    with Collector() as collector:
        assert _post(collector.url, body, **headers) == 400
        assert collector.traces.newest_first() == []


def test_the_output_of_a_demo_that_is_left_alone_stays_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("observekit.cli.demo.processes._LARGEST_FILE", 1000)
    script = "import os; os.write(1, bytes(2000))"

    async def play() -> tuple[int, str]:
        async with Children() as children:
            child = await children.start("one", [sys.executable, "-c", script], tmp_path, environ={})
            await children.first_end()
            before = child.output.stat().st_size
            children.trim()
        return before, tail(child.output)

    assert asyncio.run(play()) == (2000, "")
