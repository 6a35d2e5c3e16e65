"""OpenTelemetry's own instrumentors beside ours: whoever comes first, a request has one SERVER span."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

from observekit import ObserveMiddleware

from .apps import ONE, added, fastapi, instrumented, starlette, wrapped

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

Way = Callable[[Any], Any]


def contrib_fastapi(app: Any) -> None:
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])


def contrib_starlette(app: Any) -> None:
    StarletteInstrumentor.instrument_app(app)


def before(contrib: Callable[[Any], None], way: Way, app: Any) -> Any:
    contrib(app)
    return way(app)


def after(contrib: Callable[[Any], None], way: Way, app: Any) -> Any:
    observed = way(app)
    contrib(app)
    return observed


CONTRIB = pytest.mark.parametrize(
    ("make", "contrib"),
    [(fastapi, contrib_fastapi), (starlette, contrib_starlette)],
    ids=["FastAPI", "Starlette"],
)
ORDERS = pytest.mark.parametrize("order", [before, after])
WAYS = pytest.mark.parametrize("way", [instrumented, added, wrapped])


@CONTRIB
@ORDERS
@WAYS
def test_an_instrumentor_adds_no_span(
    observed: "Observed", make: Any, contrib: Any, order: Any, way: Way
) -> None:
    app = order(contrib, way, make())

    observed.get(app, "/items/7")

    assert len(observed.servers()) == 1
    assert observed.durations() == ONE


@pytest.fixture
def unsampled() -> Iterator[TracerProvider]:
    """A provider of its own for contrib, which samples nothing."""
    made = TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)
    yield made
    made.shutdown()


@WAYS
@pytest.mark.parametrize("between", [False, True])
def test_a_request_that_contrib_has_not_sampled_is_not_sampled_by_us(
    observed: "Observed", unsampled: TracerProvider, way: Way, between: bool
) -> None:
    app = way(starlette())
    inner = GZipMiddleware(app) if between else app
    contrib = OpenTelemetryMiddleware(inner, tracer_provider=unsampled, exclude_spans=["receive", "send"])

    observed.get(contrib, "/items/7")

    assert observed.servers() == []
    assert observed.durations() == ONE


def begin(app: Any) -> None:
    """Start *app* and end it, as a server does around the requests."""
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        """Take what the application says."""

    asyncio.run(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send))


class Times(BaseHTTPMiddleware):
    """Passes the answer on through a queue, as every middleware with a `dispatch` does."""

    async def dispatch(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def test_a_request_that_contrib_has_not_sampled_is_not_sampled_behind_a_queue(
    observed: "Observed", unsampled: TracerProvider
) -> None:
    contrib = OpenTelemetryMiddleware(
        Times(ObserveMiddleware(starlette())), tracer_provider=unsampled, exclude_spans=["receive", "send"]
    )
    begin(contrib)

    observed.get(contrib, "/items/7", "/items/7")

    assert observed.servers() == []
    assert observed.durations() == {("GET", "200", "/items/{item}"): 2.0}


def test_a_service_that_is_run_in_an_unsampled_span_has_spans_of_its_own(
    observed: "Observed", unsampled: TracerProvider
) -> None:
    app = instrumented(starlette())

    with unsampled.get_tracer("main").start_as_current_span("main"):
        begin(app)
        observed.get(app, "/items/7", "/items/7")

    assert len(observed.servers()) == 2


@ORDERS
def test_an_instrumentor_that_has_not_sampled_a_request_has_decided(
    observed: "Observed", unsampled: TracerProvider, order: Any
) -> None:
    def contrib(app: Any) -> None:
        FastAPIInstrumentor.instrument_app(app, tracer_provider=unsampled, exclude_spans=["receive", "send"])

    app = order(contrib, instrumented, fastapi())

    observed.get(app, "/items/7")

    assert len(observed.servers()) <= 1
    assert observed.durations() == ONE


def test_an_unsampled_span_around_a_server_is_no_request(
    observed: "Observed", unsampled: TracerProvider
) -> None:
    app = instrumented(starlette())

    with unsampled.get_tracer("main").start_as_current_span("main"):
        observed.get(app, "/items/7")

    assert len(observed.servers()) == 1
