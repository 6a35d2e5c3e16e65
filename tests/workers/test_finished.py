"""A worker that finishes its files, counts and ends while another looks for what is left over is counted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from observekit.metrics.workers import layout, others
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.writing import OwnFile

from .conftest import Crew
from .crew import REQUESTS, total

pytestmark = pytest.mark.once

NO_PID = 2**22 + 1


def _begun(directory: Path, state: float) -> OwnFile:
    file = OwnFile(str(directory), Identity("f" * 16, 1, NO_PID, 1, 5), state)
    file.place(REQUESTS, ("/",))[0] = 3.0
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
