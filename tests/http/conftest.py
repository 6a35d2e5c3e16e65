"""A layer on a bench: what it counts, says and traces of a request must be one and the same account."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from observekit.catalogue.metrics import COMPONENTS
from observekit.config import Config
from observekit.guard import Guard
from observekit.health.lifecycle import Lifecycle
from observekit.http.claims import Tracer
from observekit.http.event import RequestLog
from observekit.http.layer import HttpLayer, Parts
from observekit.http.lifespan import Lifespan
from observekit.http.sockets import SocketParts
from observekit.http.span import Limits, Tracing
from observekit.http.under_way import UnderWay
from observekit.install.instruments import Instruments
from observekit.integrations.starlette import SCOPE_CLAIMS
from observekit.logs.encoder import encode
from observekit.logs.pipeline import Pipeline
from observekit.traces.propagation import propagator
from observekit.traces.provider import make_provider
from observekit.traces.trust import Trust

T = TypeVar("T")
Message = MutableMapping[str, Any]
App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Account:
    """What all signals say of one request."""

    method: str
    route: str
    status: int | None
    outcome: str
    reason: str | None = None


@dataclass
class Call:
    """One request as a server makes it, and what the server sees of the response.

    ``incoming`` is what the server has to say after the request itself; a disconnect is the last of it.
    """

    path: str = "/"
    method: str = "GET"
    host: str = "service.test"
    root_path: str = ""
    headers: Headers = ()
    incoming: list[Message] = field(default_factory=list)
    scope_of: dict[str, Any] = field(default_factory=dict)
    sent: list[Message] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def status(self) -> int | None:
        return next((message["status"] for message in self.sent if "status" in message), None)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    def scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": self.root_path,
            "query_string": b"",
            "headers": [(b"host", self.host.encode()), *self.headers],
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 80),
            **self.scope_of,
        }

    async def receive(self) -> Message:
        if self.incoming:
            return self.incoming.pop(0)
        if not hasattr(self, "_asked"):
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.get_running_loop().create_future()  # A server has nothing more to say.
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def make(self, app: App) -> "Call":
        """Make the request; an exception that reaches the server is kept."""
        try:
            await app(self.scope(), self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 -- as a server does
            self.error = error
        return self


class Bench:
    """All parts of a layer, with nothing between them and the test."""

    def __init__(self, **settings: Any) -> None:
        config = Config(service_name="service", **settings)
        self.guard = Guard(COMPONENTS)
        self.instruments = Instruments(config, self.guard)
        self.events: list[dict[str, Any]] = []
        self.exporter = InMemorySpanExporter()
        self.provider = make_provider(
            config, {}, SimpleSpanProcessor(self.exporter), self.guard, lambda _: None
        )
        self.lifecycle = Lifecycle()
        self.flushed = 0
        self.neighbours: list[tuple[str, list[str]]] = []
        self._trust = Trust(config.trust_incoming)
        self.tracing = self.tracing_with(self.provider.get_tracer("observekit"))
        tracer = self.tracer(self.tracing)
        self.under_way = UnderWay()
        pipeline = Pipeline("service", encode, self._keep, lambda _: None, self.guard)
        self.parts = Parts(
            metrics=self.instruments.requests,
            tracer=tracer,
            logs=RequestLog(pipeline),
            endpoints={},
            lifespan=Lifespan(self.lifecycle, lambda: None, self._flush, self.guard),
            guard=self.guard,
            exemplars=True,
            sockets=SocketParts(
                self.instruments.sockets,
                tracer,
                pipeline,
                self.guard,
                exemplars=True,
                under_way=self.under_way,
            ),
            neighbours_found=lambda name, found: self.neighbours.append((name, found)),
            under_way=self.under_way,
        )

    def tracing_with(self, tracer: Any) -> Tracing:
        """Return what begins spans with a tracer of anybody's."""
        words = propagator(("tracecontext", "baggage"))
        return Tracing(tracer, words, self._trust, Limits(1024, 16 * 1024), self.guard)

    def tracer(self, tracing: Tracing | None) -> Tracer:
        """Return what begins the spans of *tracing*, or none."""
        return Tracer(tracing, SCOPE_CLAIMS, self.guard)

    def layer(self, app: Any, **parts: Any) -> HttpLayer:
        return HttpLayer(app, self.parts._replace(**parts))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on an event loop that looks for mistakes."""
        return asyncio.run(work, debug=True)

    def call(self, app: Any, path: str = "/", method: str = "GET", **more: Any) -> Call:
        """Make one request to *app* behind a new layer."""
        return self.run(Call(path, method, **more).make(self.layer(app)))

    def account_of(self, app: Any, path: str = "/", method: str = "GET", **more: Any) -> Account:
        """Make one request to *app* behind a new layer, and return what was told of it."""
        self.call(app, path, method, **more)
        return self.account()

    def account(self) -> Account:
        """Return what the one request since the last account was, if all signals agree on it."""
        (event,) = self.events
        method, route, status = (
            event["http_request_method"],
            event["http_route"],
            event["http_response_status_code"],
        )
        account = Account(method, route, status, event["outcome"], event.get("reason"))
        self._agree(account, event)
        assert self.in_flight() == 0
        assert sum(self.guard.failures.values()) == 0
        return account

    def _agree(self, account: Account, event: dict[str, Any]) -> None:
        (span,) = self.server_spans()
        (labels,) = self.durations()
        status = "" if account.status is None else str(account.status)
        assert labels[1:] == (account.route, status)
        assert span.attributes is not None
        assert span.attributes["http.request.method"] == labels[0]
        assert span.attributes.get("http.response.status_code") == account.status
        assert span.attributes.get("http.route", "_unmatched") == account.route
        assert (span.status.status_code is StatusCode.ERROR) == (account.outcome == "server_error")
        # Before the start, somebody further out answers an exception with a whole response.
        whole = account.reason == "error" and event["time_to_first_byte_seconds"] is None
        counted = account.reason is not None and not whole
        assert self.aborted() == ({(account.route, account.reason): 1.0} if counted else {})
        assert span.context is not None
        assert event["trace_id"] == f"{span.context.trace_id:032x}"
        assert event["span_id"] == f"{span.context.span_id:016x}"

    def server_spans(self) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.kind is SpanKind.SERVER]

    def durations(self) -> dict[tuple[str, ...], int]:
        """Return how many requests were counted, by method, route and status."""
        series = self.instruments.requests.duration.series()
        return {labels: sum(cell.counts) for labels, cell in series if sum(cell.counts)}

    def seconds(self) -> float:
        """Return how long all requests took together."""
        return sum(cell.sum for _, cell in self.instruments.requests.duration.series())

    def aborted(self) -> dict[tuple[str, ...], float]:
        return {
            labels: cell.value for labels, cell in self.instruments.requests.aborted.series() if cell.value
        }

    def in_flight(self) -> float:
        return sum(cell.value for _, cell in self.instruments.requests.active.series())

    def _keep(self, line: bytes) -> None:
        self.events.append(json.loads(line))

    async def _flush(self) -> None:
        self.flushed += 1


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.provider.shutdown()


@pytest.fixture(scope="session")
def make_unmanaged_bench() -> type[Bench]:
    """For properties, which make one for each example."""
    return Bench


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**settings: Any) -> Bench:
        made.append(Bench(**settings))
        return made[-1]

    yield make
    for one in made:
        one.provider.shutdown()


@pytest.fixture(scope="session")
def call() -> type[Call]:
    return Call


@pytest.fixture(scope="session")
def account() -> type[Account]:
    return Account
