"""HTTP clients: which of them are traced, and what leaves with their requests, and for whom."""

import asyncio
import socket
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
import urllib3
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from prometheus_client import CollectorRegistry

from observekit import setup

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

Headers = dict[str, str]
Ask = Callable[[str], None]
FOREIGN = "shop.example"
LONG = 30.0


class Echo:
    """A server that keeps the headers it was sent, and sends on to where the path says."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Headers]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(LONG)

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        echo = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                echo.seen.append((headers["host"].partition(":")[0], headers))
                to = self.path.removeprefix("/to/")
                self.send_response(200 if to == self.path else 302)
                if to != self.path:
                    self.send_header("location", echo.url(to))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Echo]:
    """A server that is reached by an internal and by a foreign name."""
    look_up = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        return look_up(
            "127.0.0.1" if host in {FOREIGN, "shop", FOREIGN.encode(), b"shop"} else host, *more, **named
        )

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    served = Echo()
    yield served
    served.stop()


def by_httpx(url: str) -> None:
    httpx.get(url, follow_redirects=True, timeout=LONG)


def by_httpx_async(url: str) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient(follow_redirects=True, timeout=LONG) as client:
            await client.get(url)

    asyncio.run(ask())


def by_requests(url: str) -> None:
    requests.get(url, timeout=LONG)


def by_aiohttp(url: str) -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as session, session.get(url):
            pass

    asyncio.run(ask())


def by_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("GET", url, timeout=LONG)


def by_urllib(url: str) -> None:
    urllib.request.urlopen(url, timeout=LONG).close()  # noqa: S310 -- a URL of ours


CLIENTS = {
    "httpx": by_httpx,
    "httpx, async": by_httpx_async,
    "requests": by_requests,
    "aiohttp": by_aiohttp,
    "urllib3": by_urllib3,
    "urllib": by_urllib,
}
each_client = pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)


@pytest.fixture
def carrying() -> Iterator[SpanContext]:
    """A trace with a state, and baggage, that somebody trusted has begun."""
    state = TraceState([("vendor", "secret")])
    caller = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    inside = trace.set_span_in_context(NonRecordingSpan(caller))
    token = context.attach(baggage.set_baggage("tenant", "acme", inside))
    yield caller
    context.detach(token)


def context_of(headers: Headers) -> set[str]:
    return headers.keys() & {"traceparent", "tracestate", "baggage"}


ALL = {"traceparent", "tracestate", "baggage"}


@each_client
def test_each_client_has_one_span_and_its_duration_is_on_the_page(
    ask: Ask, observed: "Observed", echo: Echo, carrying: SpanContext
) -> None:
    ask(echo.url("shop", "/?token=hunter2"))

    (span,) = observed.spans(SpanKind.CLIENT)
    assert (span.parent, span.name) == (carrying, "GET")
    assert "hunter2" not in span.to_json()
    durations = observed.samples("http_client_request_duration_seconds_count")
    assert sum(durations.values()) == 1


@each_client
def test_an_internal_host_gets_all_of_the_context(
    ask: Ask, observed: "Observed", echo: Echo, carrying: SpanContext
) -> None:
    ask(echo.url("shop"))

    ((_, headers),) = echo.seen
    assert context_of(headers) == ALL
    assert headers["traceparent"].split("-")[1] == f"{carrying.trace_id:032x}"
    assert (headers["tracestate"], headers["baggage"]) == ("vendor=secret", "tenant=acme")


@each_client
def test_a_foreign_host_gets_the_trace_alone(
    ask: Ask, observed: "Observed", echo: Echo, carrying: SpanContext
) -> None:
    ask(echo.url(FOREIGN))

    ((_, headers),) = echo.seen
    assert context_of(headers) == {"traceparent"}


@each_client
def test_a_redirect_takes_nothing_to_a_foreign_host_that_is_not_for_it(
    ask: Ask, observed: "Observed", echo: Echo, carrying: SpanContext
) -> None:
    ask(echo.url("shop", f"/to/{FOREIGN}"))

    assert [(host, context_of(headers)) for host, headers in echo.seen] == [
        ("shop", ALL),
        (FOREIGN, {"traceparent"}),
    ]


@each_client
def test_hosts_that_are_not_listed_get_no_trace_not_even_on_redirects(
    ask: Ask, observe: "Callable[..., Observed]", echo: Echo, carrying: SpanContext
) -> None:
    observe(propagate_to=("internal",))

    ask(echo.url("shop", f"/to/{FOREIGN}"))

    assert [(host, context_of(headers)) for host, headers in echo.seen] == [("shop", ALL), (FOREIGN, set())]


@each_client
def test_a_listed_host_gets_all_of_the_context(
    ask: Ask, observe: "Callable[..., Observed]", echo: Echo, carrying: SpanContext
) -> None:
    observe(trust_outgoing=("internal", ".example"))

    ask(echo.url("shop", f"/to/{FOREIGN}"))

    assert [(host, context_of(headers)) for host, headers in echo.seen] == [("shop", ALL), (FOREIGN, ALL)]


@each_client
def test_unsampled_requests_pass_the_context_on_by_the_same_rules(
    ask: Ask, observe: "Callable[..., Observed]", echo: Echo, carrying: SpanContext
) -> None:
    observe(traces_sampler="always_off")

    ask(echo.url("shop", f"/to/{FOREIGN}"))

    assert [context_of(headers) for _, headers in echo.seen] == [ALL, {"traceparent"}]
    assert {headers["traceparent"][-2:] for _, headers in echo.seen} == {"00"}


@pytest.mark.parametrize(
    ("proxy", "host", "sent"), [("shop", FOREIGN, {"traceparent"}), (FOREIGN, "shop", ALL)]
)
def test_behind_a_proxy_the_host_that_is_asked_decides(
    observed: "Observed", echo: Echo, carrying: SpanContext, proxy: str, host: str, sent: set[str]
) -> None:
    with urllib3.ProxyManager(echo.url(proxy)) as pool:
        pool.request("GET", echo.url(host), timeout=LONG)

    ((seen, headers),) = echo.seen
    assert (seen, context_of(headers)) == (host, sent)


def test_what_the_application_writes_itself_stays(
    observed: "Observed", echo: Echo, carrying: SpanContext
) -> None:
    httpx.get(echo.url(FOREIGN), headers={"baggage": "theirs=1"}, timeout=LONG)

    ((_, headers),) = echo.seen
    assert headers["baggage"] == "theirs=1"


def test_context_for_a_host_that_nobody_names_has_no_baggage(
    observed: "Observed", carrying: SpanContext
) -> None:
    headers: Headers = {}

    propagate.inject(headers)

    assert headers.keys() == {"traceparent"}


def test_a_disabled_instrumentation_is_left_alone(observe: "Callable[..., Observed]", echo: Echo) -> None:
    observed = observe(disabled_instrumentations=("requests", "urllib3"))

    by_requests(echo.url("shop"))
    by_httpx(echo.url("shop"))

    assert [context_of(headers) for _, headers in echo.seen] == [set(), {"traceparent"}]
    assert len(observed.spans(SpanKind.CLIENT)) == 1


def test_all_of_them_can_be_disabled(observe: "Callable[..., Observed]", echo: Echo) -> None:
    observed = observe(disabled_instrumentations=("*",))

    for ask in CLIENTS.values():
        ask(echo.url("shop"))

    assert observed.spans() == []


def test_after_the_end_clients_are_as_they_were(echo: Echo) -> None:
    def patched() -> list[object]:
        return [
            vars(requests.Session)["send"],
            vars(requests.Session)["rebuild_auth"],
            vars(urllib.request.HTTPRedirectHandler)["redirect_request"],
            vars(urllib3.HTTPConnectionPool)["urlopen"],
            vars(aiohttp.ClientSession)["__init__"],
            vars(httpx.HTTPTransport)["handle_request"],
        ]

    before = patched()

    kit = setup(registry=CollectorRegistry(), logs="off")
    during = patched()
    kit.shutdown()

    assert patched() == before
    assert [one is other for one, other in zip(before, during, strict=True)] == [False] * len(before)
