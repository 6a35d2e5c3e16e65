"""A worker that finishes its files, counts and ends while another looks for what is left over is counted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from observekit.metrics.workers import layout, others
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.reading import OtherFile
from observekit.metrics.workers.writing import OwnFile

from .conftest import Crew
from .crew import REQUESTS, total

pytestmark = pytest.mark.once

NO_PID = 2**22 + 1


def _begun(directory: Path, state: float, turn: int = 1, value: float = 3.0) -> OwnFile:
    file = OwnFile(str(directory), Identity("f" * 16, turn, NO_PID, 1, 5), state)
    file.place(REQUESTS, ("/",))[0] = value
    return file


def _killed(crew: Crew) -> None:
    """Leave a reason to look for what is left over."""
    worker = crew.worker()
    worker.add()
    worker.kill()


def _after(finish: Callable[[], object]) -> Callable[[int, int], bool]:
    """Return what finds that the worker has ended, which it has only just done."""

    def is_running(pid: int, _: int) -> bool:
        if pid == NO_PID:
            finish()
        return pid != NO_PID

    return is_running


def test_files_that_get_their_name_meanwhile_are_no_litter(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = crew.watcher()
    group.join()
    _killed(crew)
    file = _begun(crew.directory, layout.LIVING)
    file.close()
    (values,) = crew.directory.glob(f"*-{NO_PID}-*.values")
    making = values.rename(values.with_suffix(".making"))

    monkeypatch.setattr(others, "is_running", _after(lambda: making.exists() and making.rename(values)))
    group.tend()
    group.tend()

    assert total(group) == 4.0
    group.leave()


def test_a_worker_that_is_done_with_coming_meanwhile_did_not_die_over_it(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = crew.watcher()
    group.join()
    _killed(crew)
    file = _begun(crew.directory, layout.PREPARING)
    group.snapshot()  # It is known from now on.
    is_alive = OtherFile.is_alive

    def finishing(other: OtherFile) -> bool:
        if other.identity.pid == NO_PID and file.is_open:
            file.state = layout.LIVING
            file.close()
        return is_alive(other)

    monkeypatch.setattr(OtherFile, "is_alive", finishing)
    group.tend()

    assert total(crew.watcher()) == 4.0  # Who has not had it open finds it, too.
    assert total(group) == 4.0
    group.leave()


def test_a_worker_that_finishes_its_next_files_in_the_middle_of_a_look_is_counted_once(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = crew.worker()
    worker.add()
    group = crew.watcher()
    before, after = _begun(crew.directory, layout.LIVING), _begun(crew.directory, layout.PREPARING, turn=2)
    state = OtherFile.state

    def finishing(other: OtherFile) -> float:
        said = state(other)
        if other.identity.turn == 2:
            after.state = layout.LIVING
        return said

    monkeypatch.setattr(OtherFile, "state", finishing)
    seen = [total(group) for _ in range(3)]

    assert seen == [4.0] * 3
    before.close()
    after.close()


def test_a_worker_that_finishes_its_next_files_and_ends_is_added_up_with_those(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = crew.watcher()
    group.join()
    before = _begun(crew.directory, layout.LIVING)
    after = _begun(crew.directory, layout.PREPARING, turn=2, value=5.0)
    steps: list[str] = []
    is_alive = OtherFile.is_alive

    def ending(other: OtherFile) -> bool:
        if steps == ["refresh"] and other.identity.pid == NO_PID and after.is_open:
            after.state = layout.LIVING
            before.remove()
            after.close()
        return not steps if other.identity.pid == NO_PID and after.is_open else is_alive(other)

    _killed(crew)
    monkeypatch.setattr(OtherFile, "is_alive", ending)
    group.tend(steps.append)

    assert steps[:2] == ["refresh", "read"]
    assert total(group) == total(crew.watcher()) == 6.0
    group.leave()
