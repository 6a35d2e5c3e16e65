"""Whoever keeps his own logging gets trace ids in it, and nothing else of it changes."""

import asyncio
import copy
import io
import json
import logging
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from observekit import annotate, instrument, setup

FORMAT = "%(levelname)s %(message)s trace=%(trace_id)s"
Ids = dict[str, str]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The stream of a handler of the user's own, at the root."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def correlate() -> Iterator[Callable[[], Any]]:
    kits = []

    def start() -> Any:
        kits.append(setup(registry=CollectorRegistry(), traces=False, logs="correlate"))
        return kits[0]

    yield start
    for kit in kits:
        kit.shutdown()
    structlog.reset_defaults()


@pytest.fixture
def ids() -> Iterator[Ids]:
    """The ids of a span that is current in the test."""
    with TracerProvider().get_tracer("test").start_as_current_span("span") as span:
        context = span.get_span_context()
        yield {
            "trace_id": format_trace_id(context.trace_id),
            "span_id": format_span_id(context.span_id),
            "trace_flags": f"{context.trace_flags:02x}",
        }


@pytest.fixture
def record(correlate: Callable[[], Any]) -> Callable[..., logging.LogRecord]:
    """Return the record that a call becomes."""
    correlate()
    records: list[logging.LogRecord] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger = logging.Logger("kept")  # noqa: LOG001 -- of this test alone
    logger.addHandler(Kept())

    def log(**extra: object) -> logging.LogRecord:
        logger.info("x", extra=extra)
        return records[-1]

    return log


def test_records_have_the_ids_of_the_span_in_their_format(
    correlate: Callable[[], Any], stream: io.StringIO, ids: Ids
) -> None:
    correlate()

    logging.getLogger("shop").info("inside")

    assert stream.getvalue().splitlines()[-1] == f"INFO inside trace={ids['trace_id']}"


def test_outside_of_a_span_a_format_has_a_dash_and_a_record_nothing(
    record: Callable[..., logging.LogRecord],
) -> None:
    made = record()

    assert (FORMAT % made.__dict__ if made.__dict__.update(message="x") is None else "") == ("INFO x trace=-")
    assert {"trace_id", "span_id", "trace_flags"} & set(dict(made.__dict__)) == set()
    with pytest.raises(ValueError, match="other"):
        logging.Formatter("%(other)s").formatMessage(made)


def test_an_id_of_the_applications_own_stays(record: Callable[..., logging.LogRecord], ids: Ids) -> None:
    made = record(trace_id="mine")

    assert (made.__dict__["trace_id"], made.__dict__["span_id"]) == ("mine", ids["span_id"])


def test_records_can_be_copied_and_sent(record: Callable[..., logging.LogRecord], ids: Ids) -> None:
    made = record(order=7)

    sent = pickle.loads(pickle.dumps(made))  # noqa: S301 -- our own
    assert (copy.copy(made).__dict__["trace_id"], sent.__dict__["trace_id"]) == (ids["trace_id"],) * 2
    assert (type(sent.__dict__), sent.__dict__["order"]) == (dict, 7)


@pytest.mark.parametrize("when", ["before", "after"])
def test_structlogs_chain_has_the_ids_whenever_it_is_configured(
    correlate: Callable[[], Any], ids: Ids, when: str
) -> None:
    stream = io.StringIO()

    def configure() -> None:
        structlog.configure(
            processors=[structlog.processors.JSONRenderer()],
            logger_factory=structlog.PrintLoggerFactory(stream),
        )

    if when == "before":
        configure()
    correlate()
    if when == "after":
        configure()
        asyncio.run(started())
    structlog.get_logger().info("x", span_id="mine")

    assert json.loads(stream.getvalue().splitlines()[-1]) == {"event": "x", **ids, "span_id": "mine"}


def test_nothing_else_changes_and_everything_comes_back(
    correlate: Callable[[], Any], stream: io.StringIO
) -> None:
    structlog.configure(processors=[structlog.processors.JSONRenderer()])

    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        return (list(root.handlers), root.level, sys.excepthook, list(structlog.get_config()["processors"]))

    factory, before = logging.getLogRecordFactory(), state()
    kit = correlate()
    during = state()
    kit.shutdown()

    assert (during[:3], len(during[3])) == (before[:3], 2)  # type: ignore[arg-type]  # a list, as above
    assert (state(), logging.getLogRecordFactory()) == (before, factory)


def test_who_makes_records_later_goes_on_doing_so(correlate: Callable[[], Any]) -> None:
    kit = correlate()
    before = logging.getLogRecordFactory()

    def later(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return before(*args, **kwargs)

    logging.setLogRecordFactory(later)
    try:
        kit.shutdown()
        assert logging.getLogRecordFactory() is later
    finally:
        logging.setLogRecordFactory(logging.LogRecord)


async def order(request: Any) -> PlainTextResponse:
    annotate(customer=7, name="taken by logging", password="canary", event="mine", exc_info="mine")  # noqa: S106 -- planted
    return PlainTextResponse("ok")


async def started() -> None:
    """Take an application through its life."""
    app = Starlette()
    instrument(app)
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None: ...

    await app({"type": "lifespan"}, receive, send)


async def served() -> None:
    """Send one request to an application."""
    app = Starlette(routes=[Route("/orders/{id}", order)])
    instrument(app)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/orders/7",
        "headers": [],
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "http_version": "1.1",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None: ...

    await app(scope, receive, send)


def test_the_canonical_event_goes_to_the_users_logging(
    correlate: Callable[[], Any], stream: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    correlate()
    asyncio.run(served())

    (record,) = [one for one in caplog.records if one.name == "observekit.http"]
    fields = record.__dict__
    assert (fields["http_route"], fields["customer"], fields["name_"], record.levelname) == (
        "/orders/{id}",
        7,
        "taken by logging",
        "INFO",
    )
    assert record.getMessage().startswith("http.request http_request_method=GET http_route=/orders/{id}")
    assert "canary" not in stream.getvalue() + str(fields)


def test_the_canonical_event_goes_to_the_users_structlog_where_that_is_configured(
    correlate: Callable[[], Any],
) -> None:
    said = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(said)
    )
    correlate()
    asyncio.run(served())

    (event,) = [
        one for one in map(json.loads, said.getvalue().splitlines()) if one["event"] == "http.request"
    ]
    assert (event["http_route"], event["http_response_status_code"], event["customer"]) == (
        "/orders/{id}",
        200,
        7,
    )
    assert (event["event_"], event["exc_info_"]) == ("mine", "mine")


def test_a_logging_that_raises_costs_the_event_and_is_counted(
    correlate: Callable[[], Any],
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no")

    structlog.configure(processors=[broken])
    kit = correlate()
    asyncio.run(served())

    found = {
        sample.labels.get("component"): sample.value
        for family in kit.registry.collect()
        for sample in family.samples
        if sample.name == "observekit_internal_errors_total"
    }
    assert found["logs"] >= 1
