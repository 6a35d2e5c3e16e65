"""Keys and tokens are known by how they begin, and the quick look sees all that the pattern would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observekit.redaction import REDACTED, is_plain, redact_text, shapes

WORD = "a1B2c3D4e5F6g7H8i9J0"
UPPER = "A1B2C3D4E5F6G7H8"
HEX = "0123456789abcdef"

# How each kind of key begins, and the rest of one: put together here alone, so that nobody who looks for keys
# in repositories takes one for a real one.
KEYS = {
    "eyJ": f"{WORD}.{WORD}.{WORD}",
    **dict.fromkeys(("AKIA", "ASIA", "AROA", "AIDA"), UPPER),
    "AIza": (WORD * 2)[:35],
    "ya29.": WORD,
    **dict.fromkeys(("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), (WORD * 2)[:36]),
    "github_pat_": f"{WORD}_{WORD}",
    "glpat-": WORD,
    **dict.fromkeys(("xoxb-", "xoxp-"), WORD),
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_"), WORD),
    "whsec_": f"{WORD}+/=",
    "sk-": WORD,
    "npm_": (WORD * 2)[:36],
    "pypi-": WORD * 3,
    "SG.": f"{WORD}.{WORD}",
    "hf_": (WORD * 2)[:34],
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), HEX * 4),
    **dict.fromkeys(("hvs.", "hvb.", "hvr."), WORD),
}


@pytest.mark.parametrize("beginning", KEYS)
def test_a_key_is_known_by_how_it_begins(beginning: str) -> None:
    key = beginning + KEYS[beginning]

    assert [redact_text(text) for text in (key, f"with {key}, refused")] == [
        REDACTED,
        f"with {REDACTED}, refused",
    ]


def test_every_beginning_that_is_looked_for_has_a_key_here() -> None:
    looked_for = [beginning for _, beginnings in shapes._LETTERS for beginning in beginnings]

    assert [one for one in looked_for if not any(key.startswith(one) for key in KEYS)] == []


@pytest.mark.once
@given(st.from_regex(shapes._KEY))
def test_the_quick_look_misses_no_key_that_the_pattern_finds(text: str) -> None:
    assert not is_plain(text)


@given(st.lists(st.sampled_from([*"2345 -01.", "4111", "1111", "111111", "3782", "822463"])).map("".join))
def test_the_quick_look_misses_no_card_that_the_pattern_finds(text: str) -> None:
    assert not is_plain(text) or shapes._CARD.sub(shapes._without_card, text) == text
