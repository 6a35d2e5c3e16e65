"""What stands where Python prints what nobody catches: each is a record, and who stood there is called."""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from observekit.logs import hooks as room
from observekit.logs.hooks import Hooks
from observekit.logs.turn import Turn
from tests.logs.bench import read_all

if TYPE_CHECKING:
    from tests.logs.conftest import Trial

Seen = list[Any]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Somebody who stood in all places before, and what came by."""
    found: Seen = []
    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(module, name, lambda *given: found.append(given))
    return found


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What Python would print of warnings, in a place of its own: pytest records them otherwise."""
    found: Seen = []

    def show(message: warnings.WarningMessage) -> None:
        found.append(message)

    monkeypatch.setattr(warnings, "_showwarnmsg_impl", show)
    monkeypatch.setattr(warnings, "showwarning", warnings._showwarning_orig)  # type: ignore[attr-defined]  # Python's
    return found


@pytest.fixture
def read() -> list[bool]:
    """Whether anybody reads the records, for each that is asked about; all are if this is empty."""
    return []


@pytest.fixture
def _in_place(trial: "Trial", seen: Seen, shown: Seen, read: list[bool]) -> Iterator[None]:
    hooks = Hooks(trial.pipeline, lambda _: read.pop() if read else True, lambda _: False)
    hooks.take()
    yield
    hooks.give_back()


@pytest.mark.usefixtures("_in_place")
def test_an_exception_that_ends_the_process_is_a_record_and_is_passed_on(trial: "Trial", seen: Seen) -> None:
    error = ValueError("no")

    sys.excepthook(ValueError, error, None)

    told = trial.fields()
    assert (told["level"], told["event"], told["thread"], told["exception"]["message"]) == (
        "critical",
        "process.uncaught_exception",
        "MainThread",
        "no",
    )
    assert seen == [(ValueError, error, None)]


@pytest.mark.usefixtures("_in_place")
def test_an_exception_of_which_nobody_reads_the_record_is_said_on_standard_error(
    read: list[bool], capfd: pytest.CaptureFixture[str]
) -> None:
    read.append(False)

    sys.excepthook(ValueError, ValueError("no"), None)

    (line,) = capfd.readouterr().err.splitlines()
    assert (_parsed(line.encode())["event"], '"message":"no"' in line) == ("process.uncaught_exception", True)


@pytest.mark.usefixtures("_in_place")
def test_who_says_it_on_a_standard_error_that_others_write_to_has_his_turn(
    read: list[bool], pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[tuple[str, int]] = []
    give, take = Turn.give, Turn.take

    def taken(turn: Turn, late: Callable[[], bool]) -> None:
        take(turn, late)
        turns.append(("taken", len(read_all(pipe[0]))))

    def given(turn: Turn) -> None:
        turns.append(("given", len(read_all(pipe[0]))))
        give(turn)

    monkeypatch.setattr(Turn, "take", taken)
    monkeypatch.setattr(Turn, "give", given)
    monkeypatch.setattr(room, "_STDERR", pipe[1])
    read.append(False)

    sys.excepthook(ValueError, ValueError("no"), None)

    assert turns == [("taken", 0), ("given", 1)]


@pytest.mark.usefixtures("_in_place")
def test_at_a_prompt_an_exception_is_for_who_sits_there(
    trial: "Trial", seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    error = ValueError("no")

    sys.excepthook(ValueError, error, None)

    assert (trial.lines, seen) == ([], [(ValueError, error, None)])


@pytest.mark.usefixtures("_in_place")
@pytest.mark.parametrize("error", [KeyError("no"), SystemExit(1)], ids=["failure", "end"])
def test_an_exception_that_ends_a_thread_is_a_record_unless_the_thread_said_that_it_ends(
    trial: "Trial", seen: Seen, error: BaseException
) -> None:
    given: Any = SimpleNamespace(exc_value=error, thread=SimpleNamespace(name="theirs"))

    threading.excepthook(given)

    told = [(line["event"], line["thread"]) for line in map(_parsed, trial.lines)]
    assert told == ([] if isinstance(error, SystemExit) else [("process.uncaught_exception", "theirs")])
    assert seen == [(given,)]


@pytest.mark.usefixtures("_in_place")
def test_an_exception_that_nobody_could_catch_is_a_record_with_its_object(trial: "Trial", seen: Seen) -> None:
    given: Any = SimpleNamespace(err_msg=None, exc_value=OSError("no"), object="a finaliser")

    sys.unraisablehook(given)

    told = trial.fields()
    assert (told["event"], told["problem"], told["object"]) == (
        "process.unraisable_exception",
        "Exception ignored in",
        "a finaliser",
    )
    assert seen == [(given,)]


@pytest.mark.usefixtures("_in_place")
def test_a_warning_is_a_record_of_logging_with_its_place(
    shown: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    warnings.showwarning("100% old", FutureWarning, "orders.py", 7)

    (told,) = caplog.records
    assert (told.name, told.levelname, told.getMessage()) == ("py.warnings", "WARNING", "100% old")
    assert (vars(told)["category"], vars(told)["location"], shown) == ("FutureWarning", "orders.py:7", [])


@pytest.mark.usefixtures("_in_place")
def test_a_warning_that_somebody_wants_in_words_elsewhere_goes_there(
    trial: "Trial", shown: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = StringIO()

    warnings.showwarning("old", FutureWarning, "orders.py", 7, elsewhere, "")

    assert [(one.message, one.file) for one in shown] == [("old", elsewhere)]
    assert (trial.lines, caplog.records) == ([], [])


@pytest.mark.usefixtures("_in_place")
def test_a_warning_that_cannot_be_told_is_counted_and_its_caller_goes_on(
    trial: "Trial", caplog: pytest.LogCaptureFixture
) -> None:
    category: Any = SimpleNamespace()

    warnings.showwarning("odd", category, "orders.py", 7)

    assert (trial.guard.failures["logs"], caplog.records) == (1, [])


def _parsed(line: bytes) -> Any:
    from tests.logs.conftest import parsed

    return parsed(line)
