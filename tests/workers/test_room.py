"""Where there is no room, a worker goes on in its memory, and takes what it has to its file when there is."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from observekit.metrics.workers.keys import LONGEST_LINE

from .conftest import Crew
from .crew import total

AS_ROOT = os.geteuid() == 0


def test_labels_that_are_too_long_stay_in_memory_and_the_worker_says_so(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()

    worker.add("x" * LONGEST_LINE, 1)
    worker.add("/", 2)
    worker.tell("tend")

    assert worker.tell("total") == 3.0
    assert total(watcher) == 2.0
    assert worker.tell("state")["degraded"]


def _limit_file_size(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_file_that_may_not_grow_leaves_new_series_in_memory_until_it_may(crew: Crew) -> None:
    watcher = crew.watcher()
    worker = crew.worker(lambda: _limit_file_size(64 * 1024))
    worker.tell("fill", 9000)

    degraded = worker.tell("state")["degraded"], worker.tell("total")
    seen = total(watcher)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    worker.tell("tend")

    assert degraded == (True, 9000.0)
    assert seen < 9000.0
    assert not worker.tell("state")["degraded"]
    assert total(watcher) == worker.tell("total") == 9000.0


@pytest.fixture
def small(home: Path) -> Iterator[Callable[[str], None]]:
    """Mount a small file system where the group will be, if that may be done."""
    mounted = []

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(home)]
        if not AS_ROOT or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("nothing may be mounted here")
        mounted.append(home)
        home.chmod(0o700)

    yield mount
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_directory_kills_nobody(crew: Crew, home: Path, small: Callable[[str], None]) -> None:
    small("size=256k")
    watcher, worker = crew.watcher(), crew.worker()
    worker.tell("fill", 20_000)
    full = worker.tell("state")["degraded"], worker.tell("total")
    late = crew.worker()
    late.add("/", 1)
    late_state = late.tell("state")["degraded"], late.tell("total")

    subprocess.run(["mount", "-o", "remount,size=64m", str(home)], check=True)
    for one in (worker, late):
        one.tell("tend")

    assert full == (True, 20_000.0)
    assert late_state[0]
    assert not worker.tell("state")["degraded"]
    assert not late.tell("state")["degraded"]
    assert total(watcher) == worker.tell("total") == late.tell("total") == 20_001.0


def test_the_dead_are_kept_where_there_is_no_room_for_their_sum(
    crew: Crew, home: Path, small: Callable[[str], None]
) -> None:
    small("size=320k")
    watcher, worker, other = crew.watcher(), crew.worker(), crew.worker()
    other.tell("fill", 300)
    other.kill()
    _fill(home)

    worker.tell("tend")
    without_room = total(watcher), total(crew.watcher()), "dead.new" in crew.files()
    (home / "filler").unlink()
    worker.tell("tend")

    assert without_room == (300.0, 300.0, False)
    assert total(watcher) == total(crew.watcher()) == 300.0
    assert len(crew.files()) == 4


def _fill(home: Path) -> None:
    with (home / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1024))
        except OSError:
            pass


def test_a_directory_without_inodes_leaves_the_worker_in_memory(
    crew: Crew, home: Path, small: Callable[[str], None]
) -> None:
    small("size=1m,nr_inodes=4")
    worker = crew.worker()
    worker.add("/", 1)
    before = worker.tell("state")["degraded"], worker.tell("total"), crew.files()

    subprocess.run(["mount", "-o", "remount,nr_inodes=100", str(home)], check=True)
    worker.tell("tend")

    assert before == (True, 1.0, ["lock"])
    assert total(crew.watcher()) == 1.0
