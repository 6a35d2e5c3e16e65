"""Values of libraries are shown by what they contain, without their secrets; exceptions of any depth, too."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import attrs
import numpy as np
import pydantic
import pytest

from observekit.logs.encoder import LINE_BYTES

Strict = Callable[[bytes | str], Any]


class Login(NamedTuple):
    user: str
    password: str


@attrs.define
class Account:
    name: str
    token: str
    hidden: str = attrs.field(default="hidden", repr=False)


class Card(pydantic.BaseModel):
    holder: str
    number: int
    api_key: pydantic.SecretStr
    hidden: str = pydantic.Field(default="hidden", repr=False)


class Open(pydantic.BaseModel, extra="allow"):
    a: int


class Badly(pydantic.BaseModel):
    a: Any

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            raise RuntimeError("no")
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Login("ann", "x"), {"user": "ann", "password": "[redacted]"}),
        ([Account("ann", "x")], [{"name": "ann", "token": "[redacted]"}]),
        (
            Card(holder="ann", number=4111111111111111, api_key=pydantic.SecretStr("x")),
            {"holder": "ann", "number": "[redacted]", "api_key": "[redacted]"},
        ),
        (Open.model_validate({"a": 1, "session_id": "x"}), {"a": 1, "session_id": "[redacted]"}),
        (Badly(a=1), "<Badly: cannot be shown, RuntimeError>"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), "nan"),
        (np.longdouble(2), "np.longdouble('2.0')"),
        (np.bool_(1), True),
        (np.str_("password=x"), "password=[redacted]"),
        (np.datetime64("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
        (np.array([1, 2]), "array([1, 2])"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_a_value_of_a_library_is_shown_by_what_it_contains(trial: Any, value: Any, shown: Any) -> None:
    assert trial.log.info("x", value=value) is None

    assert trial.fields()["value"] == shown


def nested(depth: int) -> ExceptionGroup[Exception]:
    group: Exception = ValueError("inmost")
    for number in range(depth):
        group = ExceptionGroup(f"level {number}", [group, ValueError("password=canary")])
    assert isinstance(group, ExceptionGroup)
    return group


def chained(length: int) -> BaseException:
    error: BaseException = ValueError("first")
    for number in range(length):
        following = ValueError(f"number {number}")
        following.__cause__ = error
        error = following
    return error


def cycle() -> BaseException:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    return one


class Failing(Exception):  # noqa: N818 -- it fails
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("as_value", [False, True], ids=["as the exception", "as a value"])
@pytest.mark.parametrize(
    "make",
    [lambda: nested(500), lambda: chained(5_000), cycle, Failing, lambda: KeyError(Failing())],
    ids=["groups in groups", "a chain", "a cycle", "no text", "an argument without text"],
)
def test_an_exception_of_any_depth_is_a_line_of_strict_json(
    trial: Any, strict: Strict, make: Callable[[], BaseException], as_value: bool
) -> None:
    fields = {"value": make()} if as_value else {"exc_info": make()}

    returned = [trial.log.error("x", **fields), trial.stdlib.error("x", exc_info=make())]

    assert returned == [None, None]
    for line in trial.lines:
        record = strict(line)
        assert (record["event"], len(line) <= LINE_BYTES) == ("x", True)
        assert b"canary" not in line
    assert trial.guard.failures == {"logs": 0}
