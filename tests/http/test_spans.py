"""The SERVER span: whose trace it continues, what it says, and what it never says."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import get_current_span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.http.conftest import Bench

TRACE, SPAN = "12345678901234567890123456789012", "1234567890123456"
PARENT = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())
STRANGER = {"client": ("8.8.8.8", 4711)}
Make = Callable[..., "Bench"]


async def page(request: Request) -> Response:
    return PlainTextResponse("page")


def app(endpoint: Any = page) -> Starlette:
    return Starlette(routes=[Route("/items/{item}", endpoint)])


def only(bench: "Bench") -> ReadableSpan:
    (span,) = bench.server_spans()
    return span


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def test_a_span_says_what_the_conventions_ask_for(bench: "Bench") -> None:
    bench.call(app(), "/items/7", headers=[(b"user-agent", b"curl/8"), (b"host", b"evil.example:99")])

    span = only(bench)
    assert (span.name, span.parent, span.links) == ("GET /items/{item}", None, ())
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/items/7",
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "user_agent.original": "curl/8",
        "http.route": "/items/{item}",
        "http.response.status_code": 200,
    }


def test_the_trace_of_a_trusted_caller_is_continued(bench: "Bench") -> None:
    bench.call(app(), "/items/7", headers=[PARENT, (b"tracestate", b"foo=1")])

    span = only(bench)
    assert trace_of(span) == TRACE
    assert span.parent is not None
    assert (f"{span.parent.span_id:016x}", span.parent.is_remote) == (SPAN, True)
    assert span.context is not None
    assert span.context.trace_state.to_header() == "foo=1"
    assert bench.events[0]["trace_id"] == TRACE


def test_the_trace_of_a_stranger_becomes_a_link(bench: "Bench") -> None:
    bench.call(app(), "/items/7", headers=[PARENT, (b"tracestate", b"foo=1")], scope_of=STRANGER)

    span = only(bench)
    assert trace_of(span) != TRACE
    assert span.parent is None
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]
    assert span.context is not None
    assert len(span.context.trace_state) == 0


@pytest.mark.parametrize(("client", "recorded"), [("8.8.8.8", 0), ("127.0.0.1", 1)])
def test_a_stranger_cannot_force_a_trace_to_be_recorded(make_bench: Make, client: str, recorded: int) -> None:
    bench = make_bench(traces_sampler="parentbased_traceidratio", traces_sample_ratio=0.0)

    bench.call(app(), "/items/7", headers=[PARENT], scope_of={"client": (client, 1)})

    assert len(bench.server_spans()) == recorded
    assert int(bench.events[0]["trace_flags"], 16) & 1 == recorded


def test_a_stranger_cannot_keep_a_trace_from_being_recorded(bench: "Bench") -> None:
    unsampled = (b"traceparent", f"00-{TRACE}-{SPAN}-00".encode())

    bench.call(app(), "/items/7", headers=[unsampled], scope_of=STRANGER)

    assert len(bench.server_spans()) == 1


@pytest.mark.parametrize(("client", "seen"), [("8.8.8.8", {}), ("10.0.0.1", {"tenant": "acme"})])
def test_the_baggage_of_a_stranger_is_left_behind(bench: "Bench", client: str, seen: dict[str, str]) -> None:
    found: list[dict[str, object]] = []

    async def look(request: Request) -> Response:
        found.append(dict(baggage.get_all()))
        return PlainTextResponse("x")

    headers = [(b"baggage", b"tenant=acme")]
    bench.call(app(look), "/items/7", headers=headers, scope_of={"client": (client, 1)})

    assert found == [seen]


@pytest.mark.parametrize(
    ("server", "continued"), [(("/run/app.sock", None), True), (("127.0.0.1", 80), False), (None, True)]
)
def test_a_caller_without_an_address_is_trusted_on_a_unix_socket(
    bench: "Bench", server: Any, continued: bool
) -> None:
    bench.call(app(), "/items/7", headers=[PARENT], scope_of={"client": None, "server": server})

    assert (trace_of(only(bench)) == TRACE) is continued


def test_a_span_that_was_current_around_the_server_is_no_caller(bench: "Bench") -> None:
    with bench.provider.get_tracer("theirs").start_as_current_span("start of the server") as around:
        bench.call(app(), "/items/7")

    assert only(bench).parent is None
    assert trace_of(only(bench)) != f"{around.get_span_context().trace_id:032x}"


def test_the_span_is_current_in_the_endpoint_and_not_after_it(bench: "Bench") -> None:
    found: list[str] = []

    async def look(request: Request) -> Response:
        found.append(f"{get_current_span().get_span_context().span_id:016x}")
        return PlainTextResponse("x")

    bench.call(app(look), "/items/7")

    assert found == [bench.events[0]["span_id"]]
    assert not get_current_span().get_span_context().is_valid


def test_text_of_a_client_is_cut_without_a_word(bench: "Bench", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    long = "x" * 100_000

    bench.call(
        app(),
        f"/items/{long}",
        headers=[(b"user-agent", long.encode())],
        scope_of={"client": (long, 1), "scheme": long, "http_version": long},
    )

    attributes = only(bench).attributes or {}
    assert {len(value) for value in attributes.values() if isinstance(value, str) and "x" in value} == {1024}
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_a_long_exception_is_cut_without_a_word(bench: "Bench", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("x" * 1_000_000)

    bench.call(fail)

    (event,) = only(bench).events
    assert event.attributes is not None
    assert len(str(event.attributes["exception.message"])) == 16 * 1024
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_the_query_and_the_headers_of_a_request_are_recorded_nowhere(
    bench: "Bench", capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    names = ["authorization", "cookie", "x-api-key", "referer", "traceparent", "tracestate", "baggage", "b3"]

    bench.call(
        app(),
        "/items/7",
        headers=[(name.encode(), f"hunter2 {name}=hunter2".encode()) for name in names],
        scope_of={"query_string": b"token=hunter2"},
    )

    said = capfd.readouterr()
    everything = [only(bench).to_json(), str(bench.events), said.out, said.err, caplog.text]
    assert [text for text in everything if "hunter2" in text] == []


def test_an_unsampled_request_makes_no_attributes(make_bench: Make) -> None:
    bench = make_bench(traces_sampler="always_off")

    bench.call(app(), "/items/7", scope_of={"scheme": 5})

    # To cut the scheme, which is no text, would have failed.
    assert bench.guard.failures["traces"] == 0
    assert bench.events[0]["trace_flags"] in {"00", "02"}
    assert bench.server_spans() == []


def test_a_sampler_of_the_user_sees_what_a_request_is(bench: "Bench", call: Any) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, SamplingResult

    seen: list[dict[str, Any]] = []

    class Looking(Sampler):
        def should_sample(self, *arguments: Any, **named: Any) -> SamplingResult:
            seen.append(dict(arguments[4]))
            return ALWAYS_ON.should_sample(*arguments, **named)

        def get_description(self) -> str:
            return "looking"

    theirs = TracerProvider(sampler=Looking(), shutdown_on_exit=False)
    tracing = bench.tracing_with(theirs.get_tracer("observekit"))
    bench.run(call("/items/7").make(bench.layer(app(), tracer=bench.tracer(tracing))))

    assert seen[0]["url.path"] == "/items/7"


@pytest.mark.parametrize("looks", [True, False])
def test_the_path_is_that_of_the_request_whatever_is_cut_off_of_it_further_in(
    bench: "Bench", *, looks: bool
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["path"] = scope["path"].removeprefix("/mounted")
        if looks:
            get_current_span().set_attribute("own", "1")
        await PlainTextResponse("x")(scope, receive, send)

    bench.call(app, "/mounted/7")

    (span,) = bench.server_spans()
    assert span.attributes is not None
    assert span.attributes["url.path"] == "/mounted/7"
    assert [event["url_path"] for event in bench.events] == ["/mounted/7"]
