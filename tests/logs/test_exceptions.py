"""An exception is told with its type, message, frames and causes, and never with a local variable."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from observekit.logs.record import described


class UnspeakableError(Exception):
    """Cannot say what it is about, and is false."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")


def caught(function: Callable[[], Any]) -> BaseException:
    try:
        function()
    except BaseException as error:  # noqa: BLE001 -- the test wants whatever it is
        return error
    raise AssertionError("nothing was raised")


def fail() -> None:
    planted = "canary-in-a-local"
    raise ValueError(f"failed{planted[:0]}")


def wrap() -> None:
    try:
        fail()
    except ValueError as error:
        raise RuntimeError("wrapped") from error


def shape(told: dict[str, Any]) -> dict[str, Any]:
    """Return *told* with the functions of its frames only."""
    parts = {"frames": [frame.rpartition(" in ")[2] for frame in told["frames"]]}
    for name in ("caused_by", "exceptions"):
        if name in told:
            parts[name] = [shape(one) if isinstance(one, dict) else one for one in told[name]]
    return told | parts


def test_an_exception_is_told_with_its_causes() -> None:
    error = caught(wrap)

    assert shape(described(error)) == {
        "type": "RuntimeError",
        "message": "wrapped",
        "frames": ["caught", "wrap"],
        "caused_by": [{"type": "ValueError", "message": "failed", "frames": ["wrap", "fail"]}],
    }


def test_no_local_variable_is_told(trial: Any) -> None:
    trial.log.error("x", exc_info=caught(wrap))
    trial.stdlib.error("x", exc_info=caught(lambda: asyncio.run(asyncio.to_thread(fail))))
    trial.log.error("x", exc_info=BaseExceptionGroup("all", [caught(fail)]))

    assert len(trial.lines) == 3
    assert b"canary" not in b"".join(trial.lines)


def test_a_group_is_told_with_its_members() -> None:
    inner = ExceptionGroup("inner", [KeyError("b")])
    group = ExceptionGroup("outer", [ValueError("a"), inner])
    group.add_note("while saving")

    assert described(group) == {
        "type": "ExceptionGroup",
        "message": "outer (2 sub-exceptions)",
        "frames": [],
        "notes": ["while saving"],
        "exceptions": [
            {"type": "ValueError", "message": "a", "frames": []},
            {
                "type": "ExceptionGroup",
                "message": "inner (1 sub-exception)",
                "frames": [],
                "exceptions": [{"type": "KeyError", "message": "'b'", "frames": []}],
            },
        ],
    }


def test_a_group_of_many_and_in_many_is_cut(trial: Any) -> None:
    error: Exception = ValueError("innermost")
    for _ in range(500):
        error = ExceptionGroup("g", [error])

    trial.log.error("deep", exc_info=error)
    trial.log.error("wide", exc_info=ExceptionGroup("g", [ValueError(str(number)) for number in range(500)]))

    assert trial.guard.failures == {"logs": 0}
    assert b"<1 left out, too deep>" in trial.lines[0]
    assert b"<492 more left out>" in trial.lines[1]


def test_causes_in_a_circle_end(trial: Any) -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first

    trial.log.error("x", exc_info=first)

    assert trial.fields()["exception"] == {
        "type": "ValueError",
        "message": "first",
        "frames": [],
        "caused_by": [{"type": "ValueError", "message": "second", "frames": []}],
    }


def test_an_exception_that_cannot_speak_is_told_with_its_causes(trial: Any) -> None:
    error = UnspeakableError()
    error.__cause__ = UnspeakableError()

    trial.log.error("x", exc_info=error)

    one = {"type": f"{__name__}.UnspeakableError", "message": "<cannot be shown, RuntimeError>", "frames": []}
    assert trial.fields()["exception"] == one | {"caused_by": [one]}


def test_a_traceback_of_many_frames_keeps_the_innermost() -> None:
    def down(levels: int) -> None:
        if levels == 0:
            fail()
        down(levels - 1)

    frames = described(caught(lambda: down(500)))["frames"]

    assert len(frames) == 51
    assert frames[0] == "<454 more left out>"
    assert frames[-1].endswith(" in fail")


@pytest.mark.parametrize("given", [True, "tuple", "exception"])
def test_every_form_of_exc_info_is_taken(trial: Any, given: object) -> None:
    error = caught(fail)
    forms: dict[object, object] = {"tuple": (type(error), error, error.__traceback__), "exception": error}

    try:
        raise error
    except ValueError:
        trial.log.error("x", exc_info=forms.get(given, given))  # noqa: TRY400 -- the forms are the test

    assert trial.fields()["exception"]["message"] == "failed"


def test_outside_of_an_exception_exc_info_says_nothing(trial: Any) -> None:
    trial.log.exception("x")  # noqa: LOG004 -- there is none
    trial.stdlib.exception("x")

    assert [b"exception" in line for line in trial.lines] == [False, False]
