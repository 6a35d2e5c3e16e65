"""What nobody catches is one record, from wherever it comes, and the process ends as it would have."""

import fcntl
import os
import subprocess
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


# What becomes of standard output before something is raised, and where it is.
WITHOUT_READER = {
    "closed at the start": ("os.close(1); sys.stdout.close(); setup_again()", ""),
    "a pipe that nobody reads any more": ("os.dup2(gone(), 1); setup_again()", ""),
    "a pipe whose reader is stuck": ("os.dup2(stuck(), 1); setup_again(); fill()", ""),
    "in a thread": (
        "os.dup2(gone(), 1); setup_again(); log.info('lost')\nwait_for_loss()",
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); os._exit(1)",
    ),
}
UNREAD = """
def gone():
    read, write = os.pipe()
    os.close(read)
    return write
def stuck():
    global kept
    kept, write = os.pipe()
    return write
def setup_again():
    global kit
    kit.shutdown()
    kit = setup(log_format='json', traces=False, shutdown_budget_seconds=0.1)
def fill():
    for _ in range(200): log.info('x' * 1000)
def wait_for_loss():
    name, labels = 'observekit_log_records_dropped_total', {'reason': 'write_failed'}
    while not kit.registry.get_sample_value(name, labels): time.sleep(0.01)
def fail():
    raise ValueError('password=canary')
"""


@pytest.mark.parametrize("way", WITHOUT_READER)
def test_what_nobody_would_read_on_standard_output_is_said_on_standard_error(
    run_script: Run, strict: Callable[[str], Any], way: str
) -> None:
    before, ending = WITHOUT_READER[way]

    ended = run_script(f"{UNREAD}{before}\n{ending or 'fail()'}")

    told = [strict(line) for line in ended.errors.splitlines()]
    assert [(one["event"], one["exception"]["message"]) for one in told] == [
        ("process.uncaught_exception", "password=[redacted]")
    ]
    assert ended.code == 1


IN_ONE_PLACE = """
from observekit import setup
kit = setup(log_format="json", traces=False, shutdown_budget_seconds=0.1)
raise ValueError("no")
"""


@pytest.mark.once
def test_what_waits_for_its_turn_is_not_said_once_more_where_standard_error_is_the_same_pipe(
    pipe: tuple[int, int], strict: Callable[[str], Any]
) -> None:
    # Another one's turn, which he does not end: nothing is written in time, although somebody reads.
    fcntl.lockf(pipe[1], fcntl.LOCK_EX)

    process = subprocess.Popen([sys.executable, "-c", IN_ONE_PLACE], stdout=pipe[1], stderr=subprocess.STDOUT)
    code = process.wait(40)
    os.close(pipe[1])

    with os.fdopen(pipe[0], closefd=False) as reader:
        told = [strict(line)["event"] for line in reader]
    assert (told.count("process.uncaught_exception"), code) == (1, 1)


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
