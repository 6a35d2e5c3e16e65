"""Over gRPC spans are in the same account: codes, details and partial successes say what became of them."""

import asyncio
from collections.abc import Callable, Iterator
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from observekit import Kit

if TYPE_CHECKING:
    from tests.traces.conftest import Ledger

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
from tests.traces.grpc_service import Act, Service  # noqa: E402 -- where there is gRPC

pytestmark = pytest.mark.once

Begin = Callable[..., Kit]
LedgerOf = Callable[[Kit], "Ledger"]
SPANS = 4


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    made = Service()
    yield made
    made.stop()


@pytest.fixture
def service(running: Service) -> Service:
    running.script, running.batches = [], []
    return running


def fails(code: str, details: bytes | None = None) -> Act:
    def act(context: Any) -> bytes:
        if details is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(getattr(grpc.StatusCode, code), "because")
        return b""

    return act


def rejects(spans: int) -> Act:
    told = ExportTracePartialSuccess(rejected_spans=spans, error_message="no")
    content: bytes = ExportTraceServiceResponse(partial_success=told).SerializeToString()
    return lambda _: content


def retry_info(seconds: int) -> bytes:
    """Return a ``google.rpc.Status`` with a ``RetryInfo``."""
    delay = pack("BB", 0x08, seconds)
    info = pack("BB", 0x0A, len(delay)) + delay
    kind = b"type.googleapis.com/google.rpc.RetryInfo"
    wrapped = pack("BB", 0x0A, len(kind)) + kind + pack("BB", 0x12, len(info)) + info
    return pack("BB", 0x1A, len(wrapped)) + wrapped


@pytest.fixture
def sent(begin: Begin, ledger: LedgerOf, service: Service) -> Callable[..., "Ledger"]:
    def send(*script: Act, **settings: Any) -> "Ledger":
        service.script = list(script)
        kit = begin(
            traces_endpoint=f"http://127.0.0.1:{service.port}",
            traces_protocol="grpc",
            span_delay_seconds=60.0,
            shutdown_budget_seconds=20.0,
            **settings,
        )
        told, tracer = ledger(kit), trace.get_tracer("theirs")
        for _ in range(SPANS):
            tracer.start_span("theirs").end()
        asyncio.run(kit.flush())
        kit.shutdown()
        return told

    return send


Sent = Callable[..., "Ledger"]


def test_spans_arrive_with_the_headers_of_the_configuration(sent: Sent, service: Service) -> None:
    told = sent(traces_headers={"api-key": "hunter2"}, traces_compression="gzip")

    assert (told.ended(), told.exported(), service.batches) == (SPANS, SPANS, [SPANS])
    assert service.metadata["api-key"] == "hunter2"
    assert service.metadata["user-agent"].startswith("observekit/")


def test_spans_of_a_partial_success_are_rejected(sent: Sent, service: Service) -> None:
    told = sent(rejects(3))

    assert (told.exported(), told.rejected(), service.batches) == (1, 3, [SPANS])


@pytest.mark.parametrize("code", ["UNAVAILABLE", "ABORTED", "DATA_LOSS", "CANCELLED"])
def test_what_may_pass_is_tried_again(sent: Sent, service: Service, code: str) -> None:
    told = sent(fails(code))

    assert (told.exported(), told.waiting(), service.batches) == (SPANS, 0, [SPANS, SPANS])


def test_a_collector_that_says_when_it_has_room_is_asked_then(sent: Sent, service: Service) -> None:
    told = sent(fails("RESOURCE_EXHAUSTED", retry_info(0)))

    assert (told.exported(), service.batches) == (SPANS, [SPANS, SPANS])


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "OUT_OF_RANGE"])
def test_a_batch_that_is_too_large_is_sent_in_pieces(sent: Sent, service: Service, code: str) -> None:
    told = sent(fails(code), fails(code))

    assert (told.exported(), told.dropped("too_large")) == (SPANS, 0)
    assert service.batches[:3] == [4, 2, 1]


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "INTERNAL"])
def test_what_is_refused_is_not_sent_again(sent: Sent, service: Service, code: str) -> None:
    told = sent(fails(code))

    assert (told.rejected(), told.exported(), service.batches) == (SPANS, 0, [SPANS])


def test_a_server_that_is_no_collector_has_taken_nothing(sent: Sent, service: Service) -> None:
    told = sent(fails("UNIMPLEMENTED"))

    assert (told.dropped("no_collector"), service.batches) == (SPANS, [SPANS])


def test_an_answer_that_is_none_has_taken_nothing(sent: Sent, service: Service) -> None:
    told = sent(lambda _: b"\x07")

    assert (told.dropped("no_collector"), told.exported()) == (SPANS, 0)
