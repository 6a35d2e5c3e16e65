"""Errors and slow ones are kept although they were not sampled, with what is below them, in little memory."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode, TraceFlags

from observekit import Kit, ObserveMiddleware, operation
from tests.traces.kept import decided, sent

if TYPE_CHECKING:
    from tests.traces.conftest import Collector

Begin = Callable[..., Kit]
CALLER = "00-12345678901234567890123456789012-1234567890123456-00"
SECOND = 1_000_000_000


def test_what_failed_is_sent_with_all_that_is_below_it_and_says_why(
    keeping: Kit, collector: "Collector"
) -> None:
    with pytest.raises(ValueError, match="broken"), operation("failing"), operation("inner"):
        raise ValueError("broken")
    with operation("fine"):
        pass

    assert decided(keeping) == {"error": 1.0, "ordinary": 1.0}
    assert sent(keeping, collector) == {"failing": "error", "inner": "error"}
    (root,) = [span for span in collector.spans() if not span.parent_span_id]
    assert root.name == "failing"


def test_an_error_below_a_root_that_went_well_is_kept(keeping: Kit, collector: "Collector") -> None:
    with operation("outer"), pytest.raises(ValueError, match="caught"), operation("inner"):
        raise ValueError("caught")

    assert sent(keeping, collector) == {"outer": "error", "inner": "error"}


def test_what_is_slow_is_kept_and_what_is_not_is_not(keeping: Kit, collector: "Collector") -> None:
    tracer = trace.get_tracer("tests")
    for name, nanoseconds in (("slow", SECOND), ("quick", SECOND - 1)):
        tracer.start_span(name, start_time=SECOND).end(SECOND + nanoseconds)

    assert decided(keeping) == {"slow": 1.0, "ordinary": 1.0}
    assert sent(keeping, collector) == {"slow": "slow"}


def test_what_was_sampled_is_sent_at_once_and_says_so(begin: Begin, collector: "Collector") -> None:
    kit = begin(traces_endpoint=collector.endpoint, keep_errors=True)

    with operation("outer"), operation("inner"):
        pass

    assert decided(kit) == {}
    assert sent(kit, collector) == {"outer": "head", "inner": ""}


async def failing(scope: Any, receive: Any, send: Any) -> None:
    with operation("work"):
        pass
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(app: Any) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        """Nobody looks."""

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "raw_path": b"/x",
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
        "headers": [(b"traceparent", CALLER.encode())],
    }
    asyncio.run(app(scope, receive, send))


def test_behind_a_gateway_that_has_not_sampled_a_failed_request_is_kept_and_is_an_exemplar(
    keeping: Kit, collector: "Collector"
) -> None:
    ask(ObserveMiddleware(failing))

    families = {one.name: one for one in keeping.registry.collect()}
    durations = families["http_server_request_duration_seconds"].samples
    exemplars = {one.exemplar.labels["trace_id"] for one in durations if one.exemplar}
    assert exemplars == {CALLER.split("-")[1]}
    assert sent(keeping, collector) == {"GET": "error", "work": "error"}
    (server,) = [span for span in collector.spans() if span.name == "GET"]
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == tuple(CALLER.split("-")[1:3])


def test_what_is_not_kept_is_no_exemplar(begin: Begin, collector: "Collector") -> None:
    kit = begin(
        traces_endpoint=collector.endpoint, traces_sampler="parentbased_always_off", keep_slow_seconds=60.0
    )

    ask(ObserveMiddleware(failing))

    families = {one.name: one for one in kit.registry.collect()}
    durations = families["http_server_request_duration_seconds"].samples
    assert [one.exemplar for one in durations if one.exemplar] == []
    assert sent(kit, collector) == {}


def test_what_is_kept_is_passed_on_as_not_sampled(keeping: Kit) -> None:
    with operation("outer") as span:
        headers: dict[str, str] = keeping.context.inject({})

        assert span.get_span_context().trace_flags & TraceFlags.SAMPLED == 0
        assert headers["traceparent"][-2:] in {"00", "02"}


def test_what_ends_after_its_root_goes_the_way_of_its_root(keeping: Kit, collector: "Collector") -> None:
    tracer = trace.get_tracer("tests")
    root = tracer.start_span("root")
    late = tracer.start_span("late", trace.set_span_in_context(root))
    below = tracer.start_span("below", trace.set_span_in_context(late))
    below.end()
    root.set_status(StatusCode.ERROR)
    root.end()
    late.end()

    assert sent(keeping, collector) == {"root": "error", "late": "error", "below": "error"}


def test_two_roots_of_one_trace_are_decided_on_apart(keeping: Kit, collector: "Collector") -> None:
    tracer = trace.get_tracer("tests")
    caller = keeping.context.extract({"traceparent": CALLER})
    roots = {name: tracer.start_span(name, caller) for name in ("fine", "failing")}
    for name, root in roots.items():
        tracer.start_span(f"below {name}", trace.set_span_in_context(root)).end()
    roots["fine"].end()
    roots["failing"].set_status(StatusCode.ERROR)
    roots["failing"].end()

    assert sent(keeping, collector) == {"failing": "error", "below failing": "error"}


def test_what_ends_after_an_ordinary_root_is_not_held(keeping: Kit, collector: "Collector") -> None:
    tracer = trace.get_tracer("tests")
    root = tracer.start_span("root")
    late = tracer.start_span("late", trace.set_span_in_context(root))
    root.end()
    late.set_status(StatusCode.ERROR)
    late.end()

    assert decided(keeping) == {"ordinary": 1.0}
    assert sent(keeping, collector) == {}


def test_without_a_collector_nothing_is_held(begin: Begin) -> None:
    begin(traces_sampler="always_off", keep_errors=True)

    with operation("unseen") as span:
        assert not span.is_recording()
