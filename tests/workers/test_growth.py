"""What is kept does not grow with the workers that have gone."""

import os
from pathlib import Path

import pytest

from observekit.metrics.workers import layout
from observekit.metrics.workers.dead import WORKERS_KEPT, DeadFile
from observekit.metrics.workers.group import Group
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.reserve import FIRST_CHUNK
from observekit.metrics.workers.writing import OwnFile

from .conftest import Crew
from .crew import DURATION, REQUESTS, total

pytestmark = pytest.mark.once

NO_PID = 2**22 + 1
"""Above the highest pid there is."""


def _lived(directory: Path, number: int) -> None:
    """Leave what a worker leaves that has been killed."""
    identity = Identity(f"{number:016x}", 1, NO_PID, 1, 0)
    file = OwnFile(str(directory), identity, layout.LIVING)
    for route in ("/", "/a", "/b"):
        file.place(REQUESTS, (route,))[0] = 1.0
        file.place(DURATION, (route,))[1] = 1.0
    file.close()


def test_thousands_of_dead_workers_leave_files_and_work_as_they_were(crew: Crew) -> None:
    group = crew.watcher()
    group.join()
    for number in range(1100):
        _lived(crew.directory, number)
        if number % 100 == 99:
            group.tend()
    early = _size(crew, group)

    for number in range(1100, 3000):
        _lived(crew.directory, number)
        if number % 100 == 99:
            group.tend()

    assert total(group) == 9000.0
    assert len(crew.files()) == 4
    sizes, calls = _size(crew, group)
    assert calls == early[1]
    assert sizes - early[0] < 100  # The digits of the numbers.
    dead = DeadFile(str(crew.directory))
    dead.refresh()
    assert (dead.last.folded, len(dead.last.workers)) == (3000, WORKERS_KEPT)
    dead.close()
    group.leave()


def _size(crew: Crew, group: Group) -> tuple[int, int]:
    """Return how many bytes all files have, and how many series a snapshot has to add up."""
    group.snapshot()
    pages = group.snapshot()._pages
    series = sum(len(places) for page in pages for places in page.places.values())
    return sum(path.stat().st_size for path in crew.directory.iterdir()), series


def test_files_that_went_unseen_are_not_added_up_again(crew: Crew) -> None:
    """A reader that was stopped while more workers went than are listed must not take them for new."""
    group, sleeper = crew.watcher(), crew.watcher()
    group.join()
    _lived(crew.directory, 10**6)
    assert total(sleeper) == 3.0  # It has the file open from now on.
    for number in range(WORKERS_KEPT + 100):
        _lived(crew.directory, number)
        if number % 100 == 99:
            group.tend()
    group.tend()

    sleeper.join()
    sleeper.tend()

    assert total(group) == total(sleeper) == 3.0 * (WORKERS_KEPT + 101)
    group.leave()
    sleeper.leave()


def test_a_small_worker_takes_one_chunk_and_a_record_never_crosses_its_edge(crew: Crew) -> None:
    watcher, group = crew.watcher(), crew.watcher()
    group.join()
    group.record(REQUESTS, ("/",))[0] = 1.0
    (path,) = crew.directory.glob(f"*-{os.getpid()}-*.values")
    small = path.stat().st_size

    for number in range(5000):
        group.record(DURATION, (str(number),))[:] = memoryview(bytearray(32)).cast("d")
        group.record(DURATION, (str(number),))[3] = float(number)

    assert small == FIRST_CHUNK
    assert path.stat().st_size == 4 * FIRST_CHUNK
    assert watcher.snapshot().series(DURATION) == {
        (str(number),): [0.0, 0.0, 0.0, float(number)] for number in range(5000)
    }
    group.leave()


def test_series_over_the_limit_of_a_worker_stay_in_its_memory_and_it_says_so(crew: Crew) -> None:
    watcher = crew.watcher()
    group = Group(crew.directory, crew.failures.append, limit=2 * FIRST_CHUNK)
    group.join()

    for number in range(20_000):
        group.record(REQUESTS, (str(number),))[0] = 1.0
    group.tend()

    assert total(group) == 20_000.0
    assert 1000 < total(watcher) < 2 * FIRST_CHUNK / 8
    assert max(path.stat().st_size for path in crew.directory.iterdir()) <= 2 * FIRST_CHUNK
    assert group.degraded
    assert {type(failure).__name__ for failure in crew.failures} == {"FullError"}
    group.leave()
