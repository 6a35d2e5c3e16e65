"""WebSocket connections on the bench: what is counted, said and traced of one must be the same account."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

if TYPE_CHECKING:
    from tests.http.conftest import Bench

CONNECT = {"type": "websocket.connect"}
SCOPE = {
    "type": "websocket",
    "scheme": "ws",
    "subprotocols": [],
    "extensions": {"websocket.http.response": {}},
}


@dataclass(frozen=True)
class Ending:
    """What all signals say of one connection."""

    route: str
    status: int | None
    code: int | None
    closed_by: str | None
    outcome: str
    reason: str | None = None


@dataclass
class Sockets:
    """Makes connections to applications behind a layer, and reads what is told of them."""

    bench: "Bench"
    call: Any

    def connection(self, path: str = "/", *incoming: Any, **more: Any) -> Any:
        """Return a connection on which the client says what is *incoming*."""
        scope = {**SCOPE, **more.pop("scope_of", {})}
        one = self.call(path, incoming=[dict(CONNECT), *map(dict, incoming)], scope_of=scope, **more)
        whole = one.scope
        one.scope = lambda: {key: value for key, value in whole().items() if key != "method"}
        return one

    def connect(self, app: Any, path: str = "/", *incoming: Any, **more: Any) -> Any:
        """Connect to *app* behind a new layer, and stay until it returns."""
        return self.bench.run(self.connection(path, *incoming, **more).make(self.bench.layer(app)))

    def ending_of(self, app: Any, path: str = "/", *incoming: Any, **more: Any) -> Ending:
        """Connect to *app* behind a new layer, and return what was told of it."""
        self.connect(app, path, *incoming, **more)
        return self.ending()

    def ending(self) -> Ending:
        """Return what the one connection so far was, if all signals agree on it."""
        (event,) = self.bench.events
        assert event["event"] == "websocket.connection"
        ending = Ending(
            event["http_route"],
            event["http_response_status_code"],
            event["websocket_close_code"],
            event["closed_by"],
            event["outcome"],
            event.get("reason"),
        )
        self._agree(ending, event)
        assert self.open() == 0
        assert sum(self.bench.guard.failures.values()) == 0
        return ending

    def _agree(self, ending: Ending, event: dict[str, Any]) -> None:
        (span,) = self.bench.server_spans()
        (labels,) = self.durations()
        assert labels[0] == ending.route
        assert labels[1] in {str(ending.code or "_denied"), "_OTHER"}
        assert span.attributes is not None
        assert span.attributes.get("http.route", "_unmatched") == ending.route
        assert span.attributes.get("http.response.status_code") == ending.status
        assert span.attributes.get("websocket.close_code") == ending.code
        assert (span.status.status_code is StatusCode.ERROR) == (ending.outcome == "server_error")
        assert ("error.type" in span.attributes) == (ending.outcome == "server_error" or bool(ending.reason))
        assert span.context is not None
        assert event["trace_id"] == f"{span.context.trace_id:032x}"
        if ending.status == 101:
            expected = {"received": event["messages_received"], "sent": event["messages_sent"]}
            assert self.messages() == {(ending.route, name): count for name, count in expected.items()}

    def durations(self) -> dict[tuple[str, ...], int]:
        """Return how many connections were counted, by route and code."""
        series = self.bench.instruments.sockets.duration.series()
        return {labels: sum(cell.counts) for labels, cell in series if sum(cell.counts)}

    def messages(self) -> dict[tuple[str, ...], float]:
        return {labels: cell.value for labels, cell in self.bench.instruments.sockets.messages.series()}

    def by_route(self) -> dict[str, float]:
        """Return how many connections are open, by route."""
        return {labels[0]: cell.value for labels, cell in self.bench.instruments.sockets.active.series()}

    def open(self) -> float:
        return sum(self.by_route().values())


@pytest.fixture
def sockets(bench: "Bench", call: Any) -> Sockets:
    return Sockets(bench, call)


@pytest.fixture(scope="session")
def make_unmanaged_sockets(make_unmanaged_bench: Any, call: Any) -> Any:
    """For properties, which make one for each example."""
    return lambda: Sockets(make_unmanaged_bench(), call)


@pytest.fixture(scope="session")
def ending() -> type[Ending]:
    return Ending
