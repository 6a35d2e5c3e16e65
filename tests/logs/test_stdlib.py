"""Records of stdlib logging take the same shape, whatever they are made of."""

import logging
import logging.handlers
import queue
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars


class Mute:
    def __str__(self) -> str:
        raise GeneratorExit

    __repr__ = __str__


def test_a_record_has_its_message_its_extra_and_the_context_variables(trial: Any) -> None:
    with bound_contextvars(user="u-1"):
        trial.stdlib.warning("order %s", "a-12", extra={"items": 3, "event": "other"})

    assert trial.fields() == {
        "level": "warning",
        "event": "order a-12",
        "user": "u-1",
        "items": 3,
        "event_": "other",
    }


def test_a_record_has_the_time_of_its_event(trial: Any, strict: Callable[..., Any]) -> None:
    record = logging.makeLogRecord({"msg": "x", "created": 1_700_000_000.123456, "levelno": 20})

    trial.stdlib.handle(record)

    assert strict(trial.lines[0])["timestamp"] == "2023-11-14T22:13:20.123456Z"


def test_a_record_without_a_time_that_can_be_is_heard(trial: Any) -> None:
    trial.stdlib.handle(logging.makeLogRecord({"msg": "x", "created": float("nan"), "levelno": 20}))

    assert (trial.fields()["event"], trial.guard.failures) == ("x", {"logs": 0})


def test_now_is_told_to_the_microsecond(trial: Any, strict: Callable[..., Any]) -> None:
    before = datetime.now(UTC)

    trial.log.info("x")

    told = datetime.fromisoformat(strict(trial.lines[0])["timestamp"])
    assert before <= told.replace(microsecond=min(told.microsecond + 1, 999_999))
    assert told <= datetime.now(UTC)


@pytest.mark.parametrize("args", [(1,), (1, 2, 3), (Mute(), 2)], ids=["few", "many", "mute"])
def test_arguments_that_do_not_fit_are_kept(trial: Any, args: tuple[object, ...]) -> None:
    trial.stdlib.info("%s %s", *args)

    fields = trial.fields()
    assert (fields["event"], len(fields["arguments"])) == ("%s %s", len(args))


def test_a_message_that_cannot_be_shown_is_heard(trial: Any) -> None:
    trial.stdlib.error(Mute())

    assert trial.fields()["event"] == "<cannot be shown, GeneratorExit>"


@pytest.mark.parametrize(("number", "level"), [(15, "debug"), (25, "info"), (60, "critical")])
def test_a_level_of_its_own_keeps_its_name(trial: Any, number: int, level: str) -> None:
    record = logging.makeLogRecord({"msg": "x", "levelno": number, "levelname": "\x1b[1mOWN"})

    for handler in trial.stdlib.handlers:
        handler.handle(record)

    assert trial.fields() == {"level": level, "event": "x", "level_name": "\x1b[1mOWN"}
    assert trial.counted == [level]


def test_a_stack_is_a_list_of_its_lines(trial: Any) -> None:
    trial.stdlib.info("x", stack_info=True)

    assert trial.fields()["stack"][0] == "Stack (most recent call last):"


def test_an_exception_that_came_through_a_queue_is_told(trial: Any) -> None:
    records: queue.Queue[Any] = queue.Queue()
    sender = logging.Logger("sender")  # noqa: LOG001 -- of this test alone
    sender.addHandler(logging.handlers.QueueHandler(records))

    try:
        int("no")
    except ValueError:
        sender.exception("failed")
    trial.stdlib.handle(records.get())

    assert "ValueError: invalid literal" in str(trial.fields())


def test_a_filter_of_the_handler_is_asked(trial: Any) -> None:
    trial.stdlib.handlers[0].addFilter(lambda record: record.getMessage() != "unwanted")

    trial.stdlib.info("unwanted")
    trial.stdlib.info("wanted")

    assert trial.fields()["event"] == "wanted"


def test_a_library_that_is_loud_stays_below_our_level(make_trial: Callable[..., Any]) -> None:
    trial = make_trial(level=logging.INFO)

    trial.stdlib.debug("noise")
    trial.stdlib.info("news")

    assert trial.fields()["event"] == "news"


def test_names_that_are_no_text_are_fields(trial: Any) -> None:
    trial.stdlib.info("x", extra={1: "one", None: "none"})

    assert trial.fields() == {"level": "info", "event": "x", "1": "one", "None": "none"}


def test_what_a_record_has_beside_its_fields_takes_the_place_of_none(trial: Any) -> None:
    trial.stdlib.info("%s %s", 1, stack_info=True, extra={"stack": "mine", "arguments": "mine"})

    fields = trial.fields()
    assert (fields["stack"], fields["arguments"], fields["arguments_"]) == ("mine", "mine", [1])
    assert fields["stack_"][0] == "Stack (most recent call last):"
