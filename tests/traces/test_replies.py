"""Every kind of answer is judged as the OTLP specification has it, and by nothing else than what it says."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from observekit import Kit
from tests.traces.sink import TAKEN, Act, drip, hang_up, say, sink_of

if TYPE_CHECKING:
    from tests.traces.conftest import Ledger

Begin = Callable[..., Kit]
LedgerOf = Callable[[Kit], "Ledger"]
PROTOBUF = b"application/x-protobuf"
SPANS = 4


def answer(status: bytes = b"200 OK", body: bytes = b"", kind: bytes = PROTOBUF, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n"
    return head % (status, kind, len(body), more) + body


def partial(rejected: int, why: str = "") -> bytes:
    told = ExportTracePartialSuccess(rejected_spans=rejected, error_message=why)
    content: bytes = ExportTraceServiceResponse(partial_success=told).SerializeToString()
    return content


def in_json(told: object) -> bytes:
    return answer(body=json.dumps(told).encode(), kind=b"application/json; charset=utf-8")


def chunked(*pieces: bytes) -> bytes:
    body = b"".join(b"%x;more=x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
    return head % PROTOBUF + body + b"0\r\ntrailer: x\r\n\r\n"


LOGIN = b"<html>please log in</html>"
DATE = b"retry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n"

TAKES = {
    "an empty answer": say(TAKEN),
    "204": say(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "202": say(answer(b"202 Accepted")),
    "no type and no content": say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    "text without content": say(answer(kind=b"text/plain")),
    "the end of the connection for a length": hang_up(b"HTTP/1.0 200 OK\r\n\r\n"),
    "pieces": say(chunked()),
    "JSON": say(in_json({})),
    "JSON with an empty partial success": say(in_json({"partialSuccess": None})),
    "a warning": say(answer(body=partial(0, "slow down a little"))),
    "a hint before the answer": say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + TAKEN),
}

REJECTS = {
    "a partial success": (say(answer(body=partial(3, "no"))), 3),
    "a partial success in JSON": (say(in_json({"partialSuccess": {"rejectedSpans": "2"}})), 2),
    "a partial success in pieces": (say(chunked(partial(1)[:2], partial(1)[2:])), 1),
    "more than were sent": (say(answer(body=partial(1000))), SPANS),
    "400": (say(answer(b"400 Bad Request")), SPANS),
    "401": (say(answer(b"401 Unauthorized", LOGIN, b"text/html")), SPANS),
    "403": (say(answer(b"403 Forbidden")), SPANS),
    "404": (say(answer(b"404 Not Found", LOGIN, b"text/html")), SPANS),
    "408": (say(answer(b"408 Request Timeout")), SPANS),
    "500": (say(answer(b"500 Internal Server Error")), SPANS),
    "501": (say(answer(b"501 Not Implemented")), SPANS),
}

NO_COLLECTOR = {
    "a redirect": say(answer(b"302 Found", more=b"location: http://127.0.0.1:9/\r\n")),
    "a permanent redirect": say(answer(b"308 Permanent Redirect", more=b"location: /\r\n")),
    "a page to log in": say(answer(body=LOGIN, kind=b"text/html")),
    "a page that says it is an answer": say(answer(body=LOGIN)),
    "JSON that is none": say(answer(body=b"{", kind=b"application/json")),
    "JSON of something else": say(answer(body=b"[1]", kind=b"application/json")),
    "JSON with an endless number": say(
        answer(body=b'{"partialSuccess": {"rejectedSpans": 1e999}}', kind=b"application/json")
    ),
    "a number that is cut off": say(answer(body=partial(1 << 40)[:-1])),
    "an answer without an end": say(answer(body=b"x" * 200_000)),
    "pieces without an end": say(chunked(*[b"x" * 60_000] * 4)),
    "pieces of no length": say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n\r\n"),
    "a length that is no number": say(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
    "a head without an end": say(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 30_000),
    "another protocol": say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "a status that is none": say(b"HTTP/1.1 OK\r\n\r\n"),
    "a status from the future": say(answer(b"799 Whatever")),
}

DRIPS = "an answer that drips"
AGAIN = {
    "429": say(answer(b"429 Too Many Requests")),
    "429 with a time": say(answer(b"429 Too Many Requests", more=b"retry-after: 0\r\n")),
    "503 with a date": say(answer(b"503 Service Unavailable", more=DATE)),
    "503 with nonsense": say(answer(b"503 Service Unavailable", more=b"retry-after: soon\r\n")),
    "502": say(answer(b"502 Bad Gateway", LOGIN, b"text/html")),
    "504": say(answer(b"504 Gateway Timeout")),
    "nothing": hang_up(),
    "half of a head": hang_up(TAKEN[:30]),
    "half of an answer": hang_up(answer(body=partial(0, "x" * 100))[:-50]),
    DRIPS: drip(TAKEN[:40]),
}


def sent_to(
    begin: Begin, ledger: LedgerOf, act: Act, timeout: float = 20.0
) -> "tuple[Ledger, list[list[str]]]":
    """Send a batch to a sink that does *act* with the first request; return the account at its end."""
    with sink_of(act) as sink:
        kit = begin(
            traces_endpoint=sink.endpoint,
            traces_timeout_seconds=timeout,
            span_delay_seconds=60.0,
            shutdown_budget_seconds=40.0,
        )
        told, tracer = ledger(kit), trace.get_tracer("theirs")
        for number in range(SPANS):
            tracer.start_span(f"span {number}").end()
        asyncio.run(kit.flush())
        kit.shutdown()
        return told, sink.batches


@pytest.mark.parametrize("words", TAKES)
def test_a_collectors_yes_is_a_yes(begin: Begin, ledger: LedgerOf, words: str) -> None:
    told, batches = sent_to(begin, ledger, TAKES[words])

    assert (told.ended(), told.exported(), told.rejected(), told.waiting()) == (SPANS, SPANS, 0, 0)
    assert len(batches) == 1


@pytest.mark.parametrize("words", REJECTS)
def test_what_a_collector_refuses_is_not_sent_again(begin: Begin, ledger: LedgerOf, words: str) -> None:
    act, refused = REJECTS[words]

    told, batches = sent_to(begin, ledger, act)

    assert (told.ended(), told.exported(), told.rejected()) == (SPANS, SPANS - refused, refused)
    assert len(batches) == 1


@pytest.mark.parametrize("words", NO_COLLECTOR)
def test_who_does_not_answer_as_a_collector_has_taken_nothing(
    begin: Begin, ledger: LedgerOf, words: str
) -> None:
    told, batches = sent_to(begin, ledger, NO_COLLECTOR[words])

    assert (told.ended(), told.exported(), told.dropped("no_collector")) == (SPANS, 0, SPANS)
    assert len(batches) == 1


@pytest.mark.parametrize("words", AGAIN)
def test_what_may_pass_is_tried_again_and_nothing_is_lost(begin: Begin, ledger: LedgerOf, words: str) -> None:
    told, batches = sent_to(begin, ledger, AGAIN[words], 1.0 if words == DRIPS else 20.0)

    assert (told.ended(), told.exported(), told.waiting()) == (SPANS, SPANS, 0)
    # What drips has a second, which on a busy machine may be too little for a yes as well.
    assert len(batches) == 2 or words == DRIPS
    assert {tuple(batch) for batch in batches} == {tuple(f"span {number}" for number in range(SPANS))}
