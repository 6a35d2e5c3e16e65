"""What nobody catches is one record, from wherever it comes, and the process ends as it would have."""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observekit import setup

Run = Callable[[str], Any]

# The path on which an exception leaves, what is said of it, and the code the process ends with.
WAYS: dict[str, tuple[str, tuple[str, str, str], int]] = {
    "the main thread": (
        "def fail():\n    planted = 'local-canary'\n    raise ValueError('no')\nfail()",
        ("critical", "process.uncaught_exception", "ValueError"),
        1,
    ),
    "the loop": (
        "import asyncio\nasync def fail():\n    raise ValueError('no')\nasyncio.run(fail())",
        ("critical", "process.uncaught_exception", "ValueError"),
        1,
    ),
    "a thread": (
        (
            "def fail():\n    raise ValueError('no')\n"
            "thread = threading.Thread(target=fail)\nthread.start()\nthread.join()"
        ),
        ("error", "process.uncaught_exception", "ValueError"),
        0,
    ),
    "a task that nobody awaits": (
        (
            "import asyncio, gc\n"
            "async def fail():\n    raise ValueError('no')\n"
            "async def main():\n    asyncio.ensure_future(fail())\n    await asyncio.sleep(0)\n"
            "    gc.collect()\n"
            "asyncio.run(main())"
        ),
        ("error", "Task exception was never retrieved", "ValueError"),
        0,
    ),
    "a callback of the loop": (
        (
            "import asyncio\n"
            "def fail():\n    raise ValueError('no')\n"
            "async def main():\n    asyncio.get_running_loop().call_soon(fail)\n    await asyncio.sleep(0)\n"
            "asyncio.run(main())"
        ),
        ("error", "Exception in callback fail() at <string>:9", "ValueError"),
        0,
    ),
    "a finaliser": (
        "class Odd:\n    def __del__(self):\n        raise ValueError('no')\nOdd()",
        ("error", "process.unraisable_exception", "ValueError"),
        0,
    ),
    "an interrupt": (
        "raise KeyboardInterrupt",
        ("warning", "process.uncaught_exception", "KeyboardInterrupt"),
        1,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_nobody_catches_is_one_record(run_script: Run, way: str) -> None:
    script, expected, code = WAYS[way]

    ended = run_script(script)

    told = [line for line in ended.lines if "exception" in line]
    assert [(one["level"], one["event"], one["exception"]["type"]) for one in told] == [expected]
    assert (ended.errors, "canary" in str(told)) == ("", False)
    # Python ends a process that was interrupted by the signal itself, where that is possible.
    assert ended.code == code or (way == "an interrupt" and ended.code == -2)


def test_a_thread_that_says_it_ends_is_no_failure(run_script: Run) -> None:
    ended = run_script("thread = threading.Thread(target=sys.exit)\nthread.start()\nthread.join()")

    assert [line for line in ended.lines if "exception" in line] == []


def test_a_warning_is_a_record_with_its_place(run_script: Run) -> None:
    ended = run_script("import warnings\nwarnings.warn('100% old', FutureWarning)")

    (told,) = [line for line in ended.lines if line["logger"] == "py.warnings"]
    assert (told["level"], told["event"], told["category"], told["location"], ended.errors) == (
        "warning",
        "100% old",
        "FutureWarning",
        "<string>:9",
        "",
    )


def test_whoever_looks_at_what_is_uncaught_still_does(run_script: Run) -> None:
    # Put in place before ours; as those of error trackers are.
    ended = run_script(
        "kit.shutdown()\n"
        'sys.excepthook = lambda *args: print(\'{"logger": "tracker", "event": "seen"}\')\n'
        "kit = setup(log_format='json', traces=False)\n"
        "raise ValueError('no')"
    )

    told = [line["event"] for line in ended.lines if "exception" in line or line["logger"] == "tracker"]
    assert sorted(told) == ["process.uncaught_exception", "seen"]


@pytest.fixture
def _hooks() -> Iterator[None]:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = before


def _installed() -> tuple[object, ...]:
    return sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning


@pytest.mark.usefixtures("_hooks")
def test_everything_is_given_back() -> None:
    before = _installed()

    kit = setup(registry=CollectorRegistry(), traces=False)
    during = _installed()
    kit.shutdown()

    assert (_installed(), during[0] is before[0]) == (before, False)


@pytest.mark.usefixtures("_hooks")
def test_who_comes_later_stays() -> None:
    def later(*_: object) -> None: ...

    kit = setup(registry=CollectorRegistry(), traces=False)
    sys.excepthook = later
    kit.shutdown()

    assert sys.excepthook is later


@pytest.mark.usefixtures("_hooks")
def test_logs_that_are_off_leave_them_alone() -> None:
    before = _installed()

    kit = setup(registry=CollectorRegistry(), traces=False, logs="off")
    during = _installed()
    kit.shutdown()

    assert during == before


def test_warnings_that_somebody_records_are_recorded() -> None:
    kit = setup(registry=CollectorRegistry(), traces=False)
    try:
        with pytest.warns(FutureWarning, match="old"):
            warnings.warn("old", FutureWarning, stacklevel=1)
    finally:
        kit.shutdown()
