"""logfmt: pairs that every reader of it takes apart again."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.logs.encoder import LINE_BYTES
from observekit.logs.logfmt import logfmt
from tests.often import often

# A key, and a value that is plain, or a text of JSON in quotes.
PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |\n$)')


def taken_apart(line: bytes) -> dict[str, str]:
    """Read *line* as logfmt readers do; what they would stumble over is an error."""
    text, fields, place = line.decode(), {}, 0
    while place < len(text):
        pair = PAIR.match(text, place)
        assert pair is not None, text[place:]
        value = pair[2]
        fields[pair[1]] = json.loads(value) if value.startswith('"') else value
        place = pair.end()
    return fields


@pytest.fixture
def trial(make_trial: Callable[..., Any]) -> Any:
    return make_trial(logfmt)


def fields(trial: Any) -> dict[str, str]:
    (line,) = trial.lines
    return {
        key: value
        for key, value in taken_apart(line).items()
        if key not in {"timestamp", "logger", "service", "level"}
    }


def test_values_are_plain_where_they_can_be(trial: Any) -> None:
    trial.log.info("order placed", order="a-12", items=3, paid=True, note=None, empty="", of=["a b", 1])

    assert trial.lines[0].decode().partition(" event=")[2] == (
        '"order placed" logger=shop.orders service=shop order=a-12 items=3 paid=true note= empty="" '
        'of="[\\"a b\\",1]"\n'
    )


def test_an_exception_has_fields_of_its_own(trial: Any) -> None:
    try:
        int("no")
    except ValueError:
        trial.log.exception("x")

    told = fields(trial)
    assert (told["exception_type"], told["exception_message"]) == (
        "ValueError",
        "invalid literal for int() with base 10: 'no'",
    )
    assert json.loads(told["exception_frames"])[0].endswith("in test_an_exception_has_fields_of_its_own")


def test_a_record_that_is_too_large_says_so(trial: Any) -> None:
    trial.log.info("x", **{f"key_{number}": "\x00" * 4000 for number in range(12)})

    assert len(trial.lines[0]) <= LINE_BYTES
    assert fields(trial)["observekit"] == "record too large, parts left out"


def test_a_field_that_is_too_large_takes_nothing_from_the_exception_and_the_fields_after_it(
    trial: Any,
) -> None:
    large = [["\x00" * 1000] * 8]
    try:
        int("no")
    except ValueError:
        trial.log.exception("x", a=large, b=large, c=large, d=large, order="a-12")

    told = fields(trial)
    assert len(trial.lines[0]) <= LINE_BYTES
    assert (told["order"], told["exception_type"], told["fields_left_out"]) == ("a-12", "ValueError", "0")


@pytest.mark.often
@settings(max_examples=often(50), deadline=None)
@given(st.dictionaries(st.text(), st.recursive(st.text() | st.integers(), st.lists), max_size=5))
def test_whatever_is_logged_can_be_taken_apart(
    make_trial: Callable[..., Any], given_fields: dict[str, Any]
) -> None:
    trial = make_trial(logfmt)

    trial.pipeline.emit("info", "x", given_fields, ids={})

    assert taken_apart(trial.lines[0])["event"] == "x"
