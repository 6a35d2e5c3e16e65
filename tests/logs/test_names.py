"""Names in a record are as harmless as its values, and none takes the place of another."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn


class Key(StrEnum):
    USER = "user"


class Hostile(str):
    """A key that nobody may compare with another one."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> NoReturn:
        raise RuntimeError


def test_fields_that_have_the_names_of_what_is_said_of_a_cut_are_kept_under_others(trial: Any) -> None:
    trial.log.info("x", fields_left_out="mine", observekit="mine", a="\x1b" * 16_000, b="\x1b" * 16_000)

    fields = trial.fields()
    assert {key: value for key, value in fields.items() if key not in {"a", "b"}} == {
        "level": "info",
        "event": "x",
        "fields_left_out_": "mine",
        "observekit_": "mine",
        "fields_left_out": 0,
        "observekit": "record too large, parts left out",
    }


def test_the_name_of_a_logger_shows_no_secret(trial: Any, strict: Callable[..., Any]) -> None:
    name = "client.postgres://u:canary@db"
    for _ in range(2):
        trial.logger(name).info("x")
    trial.pipeline.emit("info", "x", {}, logger=name)

    assert {strict(line)["logger"] for line in trial.lines} == {"client.postgres://[redacted]@db"}


def test_a_logger_with_a_name_that_no_encoding_has_is_heard(trial: Any, strict: Callable[..., Any]) -> None:
    trial.logger("shop.\ud800").info("x")

    assert strict(trial.lines[0])["logger"] == "shop.\\ud800"


def test_a_key_of_a_class_of_its_own_is_shown_as_the_text_that_it_is(
    trial: Any, strict: Callable[..., Any]
) -> None:
    trial.log.info("x", user=1)
    trial.log.info("x", **{Key.USER: 2})
    trial.pipeline.emit("info", "x", {Hostile("user"): 3}, logger="shop.orders")

    first, *others = map(strict, trial.lines)
    assert [{**one, "timestamp": ""} for one in others] == [
        {**first, "timestamp": "", "user": number} for number in (2, 3)
    ]
