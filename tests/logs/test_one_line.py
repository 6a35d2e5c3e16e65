"""One record is one line, in every format, and nothing on it moves a cursor."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from observekit.logs.console import Console
from observekit.logs.encoder import encode
from observekit.logs.logfmt import logfmt

# Every control character, separators of lines, marks of direction, and a command to the terminal.
FORGED = (
    "a"
    + "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
    + "\u2028\u2029\u200e\u200f\u061c\u202a\u202e\u2066\u2069\ufeff"
    + '\x1b]0;title\x07\n{"event":"forged"}'
)
FORMATS = [encode, Console(colors=False), logfmt]
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.mark.parametrize("render", FORMATS, ids=["json", "console", "logfmt"])
@pytest.mark.parametrize(
    "place", ["event", "key", "value", "logger", "inner key", "inner value", "level name"]
)
def test_nobody_can_forge_a_line(make_trial: Callable[..., Any], render: Any, place: str) -> None:
    trial = make_trial(render)

    match place:
        case "event":
            trial.log.info(FORGED)
        case "key":
            trial.log.info("x", **{FORGED: 1})
        case "value":
            trial.log.info("x", value=FORGED)
        case "logger":
            trial.logger(FORGED).info("x")
        case "inner key":
            trial.log.info("x", value={FORGED: 1})
        case "inner value":
            trial.log.info("x", value=[FORGED])
        case _:
            trial.log.info("x", level_name=FORGED)

    (line,) = trial.lines
    text = line.decode()
    assert text.splitlines() == [text.removesuffix("\n")]
    assert RAW.findall(text) == []


@pytest.mark.parametrize("render", FORMATS, ids=["json", "console", "logfmt"])
def test_nobody_can_forge_a_line_by_an_exception(make_trial: Callable[..., Any], render: Any) -> None:
    trial = make_trial(render)
    error = ValueError(FORGED)
    error.add_note(FORGED)

    trial.log.error("x", exc_info=ExceptionGroup(FORGED, [error]))

    text = trial.lines[0].decode()
    assert RAW.findall(text) == []
    assert [line for line in text.splitlines() if line.startswith('{"event":"forged"')] == []


def test_json_keeps_what_it_escapes(trial: Any) -> None:
    trial.log.info("x", value=FORGED)

    assert trial.fields()["value"] == FORGED
