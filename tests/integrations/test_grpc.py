"""gRPC: a call has one CLIENT span, and takes the trace along without baggage."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import SpanKind

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

grpc: Any = pytest.importorskip("grpc")  # Which has no types.

LONG = 30.0


@pytest.fixture
def arrived() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A server that keeps the metadata it is sent: its port, and what it has."""
    seen: list[dict[str, str]] = []

    def echo(request: bytes, call: Any) -> bytes:
        seen.append({one.key: one.value for one in call.invocation_metadata()})
        return request

    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("tests.Echo", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port, seen
    server.stop(None).wait(LONG)


def test_a_call_takes_the_trace_along(
    observe: "Callable[..., Observed]", arrived: tuple[int, list[dict[str, str]]]
) -> None:
    port, seen = arrived
    observed = observe()
    token = context.attach(baggage.set_baggage("tenant", "acme"))

    with (
        trace.get_tracer("tests").start_as_current_span("request"),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert channel.unary_unary("/tests.Echo/Echo")(b"hello", timeout=LONG) == b"hello"
    context.detach(token)

    (client,) = observed.spans(SpanKind.CLIENT)
    (request,) = observed.spans(SpanKind.INTERNAL)
    assert client.parent == request.context
    assert client.context is not None
    assert seen[0]["traceparent"].split("-")[2] == f"{client.context.span_id:016x}"
    assert "baggage" not in seen[0]
