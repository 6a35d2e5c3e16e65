"""Values of libraries are shown by what they contain, without their secrets; exceptions of any depth, too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from reprlib import recursive_repr
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


@dataclass
class Masking:
    user: str
    note: str

    def __repr__(self) -> str:
        return f"Masking({self.user!r}, ***, password='x')"


class Mask(NamedTuple):
    user: str
    note: str

    def __repr__(self) -> str:
        return Masking.__repr__(self)  # type: ignore[arg-type]  # of the same fields


@attrs.define
class Masked:
    user: str
    note: str
    length: str = attrs.field(default="hidden", repr=lambda value: f"{len(value)} letters")


@attrs.define
class MaskedByItself:
    user: str
    note: str

    __repr__ = Masking.__repr__


class MaskedModel(pydantic.BaseModel):
    user: str
    note: str

    def __repr_args__(self) -> Any:
        yield "user", self.user


class MaskedAgain(Masking):
    """Inherits how it is shown."""


@dataclass(repr=False)
class Silent:
    note: str


@dataclass
class Wrapped:
    note: str

    @recursive_repr()
    def __repr__(self) -> str:
        return "Wrapped(***)"


MASKED = "Masking('ann', ***, password='[redacted]')"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Masking("ann", "canary"), MASKED),
        (MaskedAgain("ann", "canary"), MASKED),
        (Mask("ann", "canary"), MASKED),
        (MaskedByItself("ann", "canary"), MASKED),
        (Masked("ann", "shown"), {"user": "ann", "note": "shown", "length": "6 letters"}),
        (MaskedModel(user="ann", note="canary"), "MaskedModel(user='ann')"),
        (Wrapped("canary"), "Wrapped(***)"),
    ],
)
def test_what_says_by_itself_how_it_is_shown_is_shown_so(trial: Any, value: Any, shown: Any) -> None:
    trial.log.info("x", value=value, inside=[{"one": value}])

    fields = trial.fields()
    assert (fields["value"], fields["inside"]) == (shown, [{"one": shown}])


def test_what_shows_nothing_of_its_fields_is_not_opened(trial: Any) -> None:
    trial.log.info("x", value=Silent("canary"))

    assert "canary" not in str(trial.fields()["value"])


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
