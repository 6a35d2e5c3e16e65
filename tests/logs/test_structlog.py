"""structlog is used as ever: what differs is that nothing can raise."""

import asyncio
import copy
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from observekit.install import Kit


def head(trial: Any) -> dict[str, Any]:
    fields: dict[str, Any] = trial.fields()
    return {key: fields[key] for key in ("level", "event")}


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", "debug"),
        ("info", "info"),
        ("msg", "info"),
        ("warning", "warning"),
        ("warn", "warning"),
        ("error", "error"),
        ("exception", "error"),
        ("critical", "critical"),
        ("fatal", "critical"),
    ],
)
def test_every_method_writes_at_its_level(trial: Any, method: str, level: str) -> None:
    assert getattr(trial.log, method)("x") is None

    assert (head(trial), trial.counted) == ({"level": level, "event": "x"}, [level])


@pytest.mark.parametrize(
    ("number", "level"),
    [(0, "debug"), (10, "debug"), (25, "info"), (30, "warning"), (99, "critical"), ("forty", "debug")],
)
def test_a_number_of_a_level_is_the_next_one_below(trial: Any, number: object, level: str) -> None:
    trial.log.log(number, "x")

    assert head(trial)["level"] == level


def test_what_is_below_the_level_is_left_out(make_trial: Callable[..., Any]) -> None:
    trial = make_trial(level=logging.WARNING)

    trial.log.info("x", event="y")
    trial.log.log(logging.INFO, "x")
    trial.log.warning("z")

    assert head(trial) == {"level": "warning", "event": "z"}


def test_a_line_has_the_bound_the_given_and_the_context_variables(trial: Any) -> None:
    with bound_contextvars(user="u-1", order="from context"):
        trial.log.bind(cart=2).info("order.placed", order="a-12")

    assert trial.fields() == {
        "level": "info",
        "event": "order.placed",
        "user": "u-1",
        "cart": 2,
        "order": "a-12",
    }


def test_a_message_takes_its_arguments(trial: Any) -> None:
    trial.log.info("%s of %d", "one", 2)
    trial.log.info("%(a)s", {"a": 1})

    assert [line.split(b'"event":')[1].split(b",")[0] for line in trial.lines] == [b'"one of 2"', b'"1"']


@pytest.mark.parametrize("args", [(1,), (1, 2, 3), ({},)], ids=str)
def test_arguments_that_do_not_fit_are_kept(trial: Any, args: tuple[object, ...]) -> None:
    assert trial.log.info("%s %s", *args) is None

    assert trial.fields() == {"level": "info", "event": "%s %s", "arguments": list(args)}


def test_names_that_structlog_has_of_its_own_are_fields_too(trial: Any) -> None:
    trial.log.info("x", event="y", self=1, method_name=2, logger=3, level=4, timestamp=5, trace_id=6)

    assert trial.fields() == {
        "level": "info",
        "event": "x",
        "event_": "y",
        "self": 1,
        "method_name": 2,
        "logger_": 3,
        "level_": 4,
        "timestamp_": 5,
        "trace_id_": 6,
    }


def test_no_field_takes_the_place_of_another(trial: Any) -> None:
    trial.log.info("x", level=1, level_=2, level__=3)

    fields = trial.fields()
    assert sorted(value for value in fields.values() if isinstance(value, int)) == [1, 2, 3]


def test_an_event_may_be_given_by_name_or_not_at_all(trial: Any) -> None:
    trial.log.info(event="named")
    trial.log.log(level=20, event="named")
    trial.log.info()

    assert [line.split(b'"event":')[1].split(b",")[0] for line in trial.lines] == [
        b'"named"',
        b'"named"',
        b'""',
    ]


def test_the_async_methods_write_before_they_return(trial: Any) -> None:
    async def work() -> None:
        try:
            int("no")
        except ValueError:
            await trial.log.aexception("x", a=1)

    asyncio.run(work())

    assert trial.fields()["exception"]["type"] == "ValueError"


def test_a_stack_is_told_without_our_own_frames(trial: Any) -> None:
    trial.log.info("x", stack_info=True)

    assert trial.fields()["stack"][-1].endswith("in test_a_stack_is_told_without_our_own_frames")


def test_a_chain_that_raises_is_counted_and_told_nobody(trial: Any) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("no")

    assert trial.logger("x", [broken]).info("x") is None

    assert (trial.lines, trial.guard.failures) == ([], {"logs": 1})


def test_a_chain_that_was_configured_later_says_what_it_renders(trial: Any) -> None:
    trial.logger("x", [structlog.processors.KeyValueRenderer()]).warning("y", a=1)

    assert trial.fields() == {"level": "warning", "event": "a=1 event='y'"}


def test_loggers_can_be_copied_with_what_holds_them(trial: Any) -> None:
    copy.deepcopy({"log": trial.log})["log"].info("x")
    copy.copy(trial.log).info("y")

    assert len(trial.lines) == 2


def test_tests_can_capture_what_is_logged(kit: Kit) -> None:
    log = structlog.get_logger("captured")

    with structlog.testing.capture_logs() as captured:
        log.info("x", a=1)

    assert captured == [{"a": 1, "event": "x", "log_level": "info"}]


def test_a_span_gives_its_ids_and_only_while_it_lasts(trial: Any) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import format_span_id, format_trace_id

    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("outer"):
        with tracer.start_as_current_span("inner") as inner:
            trial.log.info("inside")
        context = inner.get_span_context()
    trial.log.info("outside")

    inside, outside = trial.lines
    trial.lines[:] = [inside]
    assert trial.fields() == {
        "level": "info",
        "event": "inside",
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
        "trace_flags": f"{context.trace_flags:02x}",
    }
    assert b"trace_id" not in outside
