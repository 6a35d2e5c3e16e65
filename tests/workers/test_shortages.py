"""Who is short of descriptors shows no sum over some workers; what fails again and again is said once."""

from pathlib import Path

import pytest

from observekit.metrics.workers.once import Once

from .conftest import Crew

pytestmark = pytest.mark.once


def test_a_look_without_descriptors_is_none(crew: Crew) -> None:
    one, other, late = crew.worker(), crew.worker(), crew.worker()
    for worker in (one, other):
        worker.add()
    before = one.tell("total")
    late.add()

    assert before == 2.0
    assert other.tell("look_without_descriptors") == 0
    assert other.tell("total") == 3.0
    assert ["OSError" in failure for failure in other.tell("state")["failures"]] == [True]


def test_what_fails_each_time_is_handed_on_once_and_again_when_it_was_away() -> None:
    told: list[BaseException] = []
    once = Once(told.append)
    full = [OSError(28, "No space left on device", str(Path("/", name))) for name in "abcde"]
    other = ValueError("another")

    for error in full[:3]:
        once.failed(error)
        once.failed(error)
        once.end_round()
    once.failed(other)
    once.end_round()
    once.end_round()
    once.failed(full[3])
    once.end_round()
    once.failed(full[4])

    assert told == [full[0], other, full[3]]
