"""Whoever has configured structlog himself keeps his processors; what they render is left to us."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.contextvars import bound_contextvars
from structlog.processors import CallsiteParameter, CallsiteParameterAdder

from observekit import setup

Lines = Callable[[], list[dict[str, Any]]]


def add_tenant(_: Any, __: str, fields: Any) -> Any:
    return {**fields, "tenant": "blue", "seen_level": fields.get("level")}


def broken(_: Any, __: str, fields: Any) -> Any:
    raise RuntimeError("no")


def too_early(_: Any, __: str, fields: Any) -> Any:
    return "rendered"


def drop_noise(_: Any, __: str, fields: Any) -> Any:
    if fields["event"] == "noise":
        raise structlog.DropEvent
    return fields


def forget_card(_: Any, __: str, fields: Any) -> Any:
    fields.pop("card", None)
    return fields


def full(*own: Any) -> list[Any]:
    """Return a chain as the documentation of structlog has it, with processors of one's own in it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", key="at"),
        *own,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.dict_tracebacks,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(),
    ]


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Lines:
    """Return what the application has logged by now, without its head."""

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        head = ("timestamp", "logger", "service")
        own = [one for one in found if not one["logger"].startswith("observekit")]
        return [{key: value for key, value in one.items() if key not in head} for one in own]

    return read


@pytest.fixture
def configured() -> Iterator[Callable[..., Any]]:
    """Configure structlog, then set up; return the kit."""
    kits = []

    def configure(*own: Any, **more: Any) -> Any:
        structlog.configure(processors=full(*own), **more)
        kits.append(setup(registry=CollectorRegistry(), traces=False, log_format="json"))
        return kits[0]

    yield configure
    for kit in kits:
        kit.shutdown()


def test_own_processors_run_and_the_line_is_ours(configured: Callable[..., Any], lines: Lines) -> None:
    kit = configured(add_tenant)

    structlog.get_logger("shop").info("%d placed", 3, order=1)
    kit.shutdown()

    assert lines() == [
        {"level": "info", "event": "3 placed", "order": 1, "tenant": "blue", "seen_level": "info"}
    ]


def test_a_processor_may_leave_records_and_fields_out(configured: Callable[..., Any], lines: Lines) -> None:
    kit = configured(drop_noise, forget_card)

    with bound_contextvars(card="4111"):
        structlog.get_logger().info("noise")
        structlog.get_logger().info("news")
    kit.shutdown()

    assert lines() == [{"level": "info", "event": "news"}]


def test_a_processor_that_fails_costs_its_own_work_and_is_counted(
    configured: Callable[..., Any], lines: Lines
) -> None:
    kit = configured(broken, too_early, add_tenant)

    structlog.get_logger().info("x")
    page = {
        sample.labels["component"]: sample.value
        for family in kit.registry.collect()
        for sample in family.samples
        if sample.name == "observekit_internal_errors_total"
    }
    kit.shutdown()

    assert lines() == [{"level": "info", "event": "x", "tenant": "blue", "seen_level": "info"}]
    assert page["logs"] == 1


def test_an_exception_stays_an_exception(configured: Callable[..., Any], lines: Lines) -> None:
    kit = configured(add_tenant)

    try:
        int("no")
    except ValueError:
        structlog.get_logger().exception("x")
    kit.shutdown()

    (line,) = lines()
    assert (line["tenant"], line["exception"]["type"], type(line["exception"]["frames"])) == (
        "blue",
        "ValueError",
        list,
    )


def test_the_place_of_a_call_is_that_of_the_application(configured: Callable[..., Any], lines: Lines) -> None:
    kit = configured(CallsiteParameterAdder([CallsiteParameter.FUNC_NAME]))

    structlog.get_logger().info("x")
    kit.shutdown()

    assert lines()[0]["func_name"] == "test_the_place_of_a_call_is_that_of_the_application"


def test_ids_that_a_processor_adds_too_are_there_once(configured: Callable[..., Any], lines: Lines) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import format_trace_id, get_current_span

    def add_trace(_: Any, __: str, fields: Any) -> Any:
        return {**fields, "trace_id": format_trace_id(get_current_span().get_span_context().trace_id)}

    kit = configured(add_trace)

    with TracerProvider().get_tracer("test").start_as_current_span("span"):
        structlog.get_logger().info("x")
    kit.shutdown()

    assert set(lines()[0]) == {"level", "event", "trace_id", "span_id", "trace_flags"}


class Audited(structlog.stdlib.BoundLogger):
    """A wrapper class with a method of its own."""

    def audit(self, event: str) -> Any:
        return self.warning(event, audit=True)


def test_a_wrapper_class_of_ones_own_keeps_its_methods(configured: Callable[..., Any], lines: Lines) -> None:
    kit = configured(wrapper_class=Audited)
    log = structlog.get_logger("shop")

    log.audit("x")
    log.debug("below the level")
    kit.shutdown()

    assert lines() == [{"level": "warning", "event": "x", "audit": True}]


def test_what_loggers_of_logging_have_can_be_asked(configured: Callable[..., Any]) -> None:
    configured(wrapper_class=structlog.stdlib.BoundLogger)
    log = structlog.get_logger("shop")

    assert (log.isEnabledFor(logging.DEBUG), log.name) == (False, "shop")
    with pytest.raises(AttributeError):
        log.audit("x")


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient.")
def test_a_chain_that_is_configured_after_setup_is_taken_in_when_the_application_starts(
    configured: Callable[..., Any], lines: Lines
) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from observekit import instrument

    kit = configured()
    app = Starlette()
    instrument(app)
    structlog.configure(
        processors=full(add_tenant), logger_factory=structlog.PrintLoggerFactory(), wrapper_class=Audited
    )
    mine = structlog.get_config()

    with TestClient(app):
        structlog.get_logger("shop").audit("x")
    kit.shutdown()

    assert lines() == [
        {"level": "warning", "event": "x", "audit": True, "tenant": "blue", "seen_level": "warning"}
    ]
    # What was left as we had made it is as it was before.
    assert structlog.get_config() == mine | {"cache_logger_on_first_use": False}


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient.")
def test_what_captures_in_tests_goes_on_when_the_application_starts(configured: Callable[..., Any]) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from observekit import instrument

    configured(add_tenant)
    app = Starlette()
    instrument(app)

    with structlog.testing.capture_logs() as captured, TestClient(app):
        structlog.get_logger().info("x")

    assert captured == [{"event": "x", "log_level": "info"}]


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient.")
def test_a_test_that_has_configured_a_capture_keeps_it(configured: Callable[..., Any]) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from observekit import instrument

    capture = structlog.testing.LogCapture()
    structlog.configure(processors=[capture])
    kit = setup(registry=CollectorRegistry(), traces=False)
    app = Starlette()
    instrument(app)

    with TestClient(app):
        structlog.get_logger().info("x")
    kit.shutdown()

    assert capture.entries == [{"event": "x", "log_level": "info"}]


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient.")
@pytest.mark.parametrize("before", [True, False])
def test_what_was_configured_in_part_after_setup_is_whole_in_the_end(
    capfd: pytest.CaptureFixture[str], *, before: bool
) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from observekit import instrument

    if before:
        structlog.configure(processors=full(add_tenant), wrapper_class=Audited)
    wrapper = structlog.get_config()["wrapper_class"]
    app = Starlette()
    kit = instrument(app, registry=CollectorRegistry(), log_format="json", traces=False)
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])

    with TestClient(app):
        structlog.get_logger().info("during")
    kit.shutdown()
    structlog.get_logger().info("after")

    assert structlog.get_config()["wrapper_class"] is wrapper
    *ours, after = capfd.readouterr().out.splitlines()
    said = [json.loads(line)["event"] for line in ours]
    assert (said.count("during"), after) == (1, "event='after'")
