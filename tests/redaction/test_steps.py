"""No text makes redaction slow: the steps of every pattern grow as the text does."""

import re
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.redaction import REDACTED, redact_text, shapes, texts
from tests.often import often
from tests.redaction.steps import Walk


def patterns_of(module: ModuleType) -> dict[str, re.Pattern[str]]:
    found: dict[str, re.Pattern[str]] = {}
    for name, value in vars(module).items():
        for key, one in value.items() if isinstance(value, dict) else [("", value)]:
            if isinstance(one, re.Pattern):
                found[f"{module.__name__.rpartition('.')[2]}.{name}{key}"] = one
    return found


PATTERNS = patterns_of(shapes) | patterns_of(texts)
# These are not searched for: they are held against one place of a text, and what fails takes all the rest.
_BEGINNINGS = ("IN_QUOTES", "QUOTE", "WORD", "AMOUNT", "ISSUED", "ACCOUNT", "PORT")
HELD = {name for name in PATTERNS if name.partition("._")[2].startswith(_BEGINNINGS)}
# What a text may be made of to bring a pattern to a stop as late as can be, and again and again.
PIECES = [
    *("://", "://a", "a@", "@", "a=", 'a="', "a='", "password=", "password: ", '"a": "', "'a':'", "a-"),
    *("Bearer ", "basic aaaaaaa", '\\"', "=\\", "eyJ", "eyJaaaaaaaa.", "eyJaaaaaaaa", "a.", "sk-", "SG."),
    *("-----BEGIN ", "PRIVATE KEY", "AKIA", "A", "4", "4 ", "4111 ", "4111-", "1111 111111 ", "xoxb-", "gh"),
    *("('cookie', ", "'x-key', '", "%", "?code=", "&", " ", "\n", "é", "[", "{'a': ", "ghp_", "hvs.", "\\\\"),
]


def test_all_patterns_are_found() -> None:
    assert len(PATTERNS) >= 14
    assert {"shapes._KEY", "texts._NAME"} <= PATTERNS.keys() - HELD
    assert len(HELD) == 8


@pytest.mark.often
@settings(max_examples=often(60), deadline=None)
@given(
    name=st.sampled_from(sorted(PATTERNS)),
    text=st.lists(st.sampled_from([*PIECES, "abcdefghij0123456789", "hunter2"]), max_size=12).map("".join),
)
def test_the_steps_that_are_counted_are_those_of_the_search(name: str, text: str) -> None:
    pattern = PATTERNS[name]

    assert Walk(pattern, text).spans() == [found.span() for found in pattern.finditer(text)]


def steps(name: str, text: str) -> int:
    walk = Walk(PATTERNS[name], text)
    if name in HELD:
        walk.first()
    else:
        walk.spans()
    return walk.steps


@pytest.mark.once
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_eight_times_the_text_takes_eight_times_the_steps(name: str) -> None:
    for piece in PIECES:
        # A walk that begins again at each piece would take 64 times as many.
        assert steps(name, piece * 64) <= 10 * steps(name, piece * 8) + 10, piece


@pytest.mark.often
@settings(max_examples=often(30), deadline=None)
@given(
    name=st.sampled_from(sorted(PATTERNS)), parts=st.lists(st.sampled_from(PIECES), min_size=1, max_size=4)
)
def test_no_mixture_of_pieces_makes_steps_grow_faster_than_the_text(name: str, parts: list[str]) -> None:
    text = "".join(parts)

    assert steps(name, text * 64) <= 10 * steps(name, text * 8) + 10


@given(
    st.lists(st.sampled_from([*PIECES, REDACTED, "hunter2", "token", "'", '"', "]", "4111111111111111"])).map(
        "".join
    )
)
def test_what_was_redacted_once_stays_as_it_is(text: str) -> None:
    once = redact_text(text)

    assert redact_text(once) == once
