"""What is waited for is tried again until it is there or nobody wants it any more."""

import threading
from collections.abc import Iterator

import pytest

from observekit.guard import Guard
from observekit.install import waits
from observekit.install.waits import Waits
from tests.waiting import until


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Waits, Guard]]:
    monkeypatch.setattr(waits, "AGAIN_SECONDS", 0.001)
    guard = Guard(("ops",))
    made = Waits(guard)
    yield made, guard
    made.end()


def waiters() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "observekit-waits"]


def test_it_is_tried_until_it_is_there_however_it_fails_before(waiting: tuple[Waits, Guard]) -> None:
    made, guard = waiting
    results: list[bool | Exception] = [False, OSError("taken"), False, True]
    tried: list[bool | Exception] = []

    def work() -> bool:
        tried.append(results[len(tried)])
        if isinstance(tried[-1], Exception):
            raise tried[-1]
        return tried[-1]

    made.begin(work)
    until(lambda: not waiters())

    assert (tried, guard.failures["ops"]) == (results, 1)


def test_nothing_is_tried_when_the_end_has_come(waiting: tuple[Waits, Guard]) -> None:
    made, _ = waiting
    tried: list[str] = []

    def work() -> bool:
        tried.append("once")
        return True

    made.end()
    made.begin(work)
    until(lambda: not waiters())

    assert tried == []


def test_without_a_further_thread_it_stays_as_it_is_and_is_counted(
    waiting: tuple[Waits, Guard], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, guard = waiting

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    made.begin(lambda: True)

    assert guard.failures["ops"] == 1
