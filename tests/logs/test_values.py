"""Whatever is in a log call, it returns None and leaves one line of strict JSON."""

import math
import sys
from collections import UserDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.logs.encoder import LINE_BYTES, encode
from tests.often import often


class Raising:
    """Raises from everything that shows it."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        raise self._error

    __str__ = __repr__

    def __len__(self) -> int:
        raise self._error

    def __bool__(self) -> bool:
        raise self._error

    def __iter__(self) -> Iterator[Any]:
        raise self._error


class Pretender:
    """Raises when asked what it is."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("no class")

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise RuntimeError("no class")


class Changing(dict[str, int]):
    """Changes while it is read."""

    def items(self) -> Any:
        for key in list(self):
            self[f"{key}+"] = 1
            yield key, 1


class Endless(UserDict[str, int]):
    """Has no last item."""

    def items(self) -> Any:
        number = 0
        while True:
            number += 1
            yield f"k{number}", number

    def __len__(self) -> int:
        return sys.maxsize


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Number(int):
    def __int__(self) -> int:
        raise RuntimeError("no number")

    __index__ = __int__

    def __str__(self) -> str:
        raise RuntimeError("no number")

    __repr__ = __str__


def selfish() -> list[Any]:
    inner: list[Any] = [1]
    inner.append({"again": inner})
    return inner


def deep(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


def wide() -> list[Any]:
    inner: list[Any] = []
    inner.extend([inner] * 100)
    return [[inner] * 100] * 100


HOSTILE: dict[str, Callable[[], Any]] = {
    "raises": lambda: Raising(RuntimeError("no")),
    "recurses": lambda: Raising(RecursionError("no")),
    "raises no Exception": lambda: Raising(GeneratorExit()),
    "has no class": Pretender,
    "changes": lambda: Changing(a=1),
    "endless": Endless,
    "text that cannot be shown": lambda: Text("text"),
    "number that cannot be shown": lambda: Number(3),
    "contains itself": selfish,
    "a million of the same": wide,
    "huge": lambda: 10**5000,
    "too low": lambda: -(2**63) - 1,
    "not a number": lambda: math.nan,
    "infinite": lambda: -math.inf,
    "generator": lambda: (one for one in range(3)),
    "lone surrogate": lambda: "\ud800 lone",
    "long text": lambda: "x" * 1_000_000,
    "long bytes": lambda: b"\xff" * 1_000_000,
    "long queue": lambda: deque(range(100_000)),
    "class": lambda: object,
    "keys": lambda: {(1, 2): 1, None: 2, 3.5: 4, b"k": 5, Raising: 6},
    "deep": lambda: deep(500),
    "very deep": lambda: deep(100_000),
}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.binary(max_size=20),
    st.sampled_from(sorted(HOSTILE.keys() - {"has no class"})).map(lambda name: HOSTILE[name]()),
)
keys = st.one_of(
    st.text(max_size=10), st.integers(), st.floats(), st.none(), st.tuples(st.integers()), st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(keys, inner, max_size=5),
        st.tuples(inner, inner),
        inner.map(lambda one: UserDict({"inner": one})),
    ),
    max_leaves=20,
)


@pytest.mark.often
@settings(max_examples=often(200), deadline=None)
@given(event=values, fields=st.dictionaries(st.text(max_size=10), values, max_size=4))
def test_no_value_can_raise_or_spoil_the_line(
    make_trial: Callable[..., Any], strict: Callable[..., Any], event: Any, fields: dict[str, Any]
) -> None:
    trial = make_trial()

    returned = [trial.log.info(event, **fields), trial.stdlib.info(event, extra={"fields": fields})]

    assert returned == [None, None]
    assert len(trial.lines) == 2
    for line in trial.lines:
        assert len(line) <= LINE_BYTES
        assert line.count(b"\n") == 1
        assert strict(line)["logger"] in {"shop.orders", "shop.stdlib"}
    assert trial.guard.failures == {"logs": 0}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_leaves_the_fields_beside_it(trial: Any, name: str) -> None:
    trial.log.info("order.placed", first=1, hostile=HOSTILE[name](), last=2)

    fields = trial.fields()
    assert (fields["event"], fields["first"], fields["last"]) == ("order.placed", 1, 2)


class Color(Enum):
    RED = "red"


@dataclass
class Order:
    number: int
    password: str
    hidden: str = field(default="hidden", repr=False)


HIDDEN = {"password": "[redacted]", "tokens": 7}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Color.RED, "red"),
        (Order(1, "secret"), {"number": 1, "password": "[redacted]"}),
        ({1: {2}, "a": (1, "x")}, {"1": [2], "a": [1, "x"]}),
        ({"cvv": 123, "pay": {"password": 12.5, "tokens": 7}}, {"cvv": "[redacted]", "pay": HIDDEN}),
        ([("token", 123456), ("token", None)], [["token", "[redacted]"], ["token", None]]),
        ("café".encode(), "café"),
        (ValueError("no"), "ValueError('no')"),
        (2**63 - 1, 2**63 - 1),
        (2**64, str(2**64)),
        (10**100, "<333-bit integer>"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (Raising(RuntimeError("no")), "<Raising: cannot be shown, RuntimeError>"),
        (selfish(), [1, {"again": "<list: contains itself>"}]),
        (list(range(1026))[1023:], [1023, 1024, 1025]),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_value_is_shown_as_json_has_it(trial: Any, value: Any, shown: Any) -> None:
    trial.log.info("x", value=value)

    assert trial.fields() == {"level": "info", "event": "x", "value": shown}


def test_a_long_text_says_how_much_of_it_is_missing(trial: Any) -> None:
    trial.log.info("x", value="y" * 20_000)

    assert trial.fields()["value"] == "y" * 16_384 + "… <3616 more characters left out>"


def test_a_long_list_says_how_much_of_it_is_missing(trial: Any) -> None:
    trial.log.info("x", value=[1] * 5_000)

    assert trial.fields()["value"] == [1] * 512 + ["<4488 more left out>"]


def test_ten_thousand_fields_fit_on_a_line_and_the_missing_ones_are_counted(trial: Any) -> None:
    trial.log.info("x", **{f"field_{number}": "\x1b" * 10 for number in range(10_000)})

    fields = trial.fields()
    assert len(trial.lines[0]) <= LINE_BYTES
    assert fields["field_0"] == "\x1b" * 10
    kept = [name for name in fields if name.startswith("field_")]
    assert len(kept) + fields["fields_left_out"] == 10_000


def test_a_record_that_is_too_large_keeps_what_identifies_it(trial: Any) -> None:
    trial.log.info("order.placed", a="\x1b" * 16_000, b="\x1b" * 16_000)

    fields = trial.fields()
    assert len(trial.lines[0]) <= LINE_BYTES
    assert (fields["event"], fields["observekit"]) == ("order.placed", "record too large, parts left out")


def test_an_interrupt_is_not_swallowed(trial: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        trial.log.info("x", value=Raising(KeyboardInterrupt()))


def test_a_record_of_plain_values_is_encoded_as_it_is() -> None:
    record = {"event": "x", "number": 1.5, "list": [None, True]}

    assert encode(record) == b'{"event":"x","number":1.5,"list":[null,true]}\n'
