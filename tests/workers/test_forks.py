"""Forks, and threads that hold a lock: nobody waits for ever, and no value is spoilt."""

import fcntl
import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from observekit.guard import Guard
from observekit.install.waits import Waits
from observekit.metrics.workers import locks
from observekit.metrics.workers.group import Group

from .conftest import Crew
from .crew import REQUESTS, total

if TYPE_CHECKING:
    from tests.conftest import Child


def test_a_forked_child_has_a_file_of_its_own_once_it_joins(
    crew: Crew, group: Group, run_in_child: "Child"
) -> None:
    group.record(REQUESTS, ("/",))[0] = 5.0

    def work() -> int:
        group.record(REQUESTS, ("/",))[0] = 1.0  # Before it has joined: in its memory.
        early = group.slot, total(group)
        group.join()
        group.record(REQUESTS, ("/",))[0] += 1.0
        os.kill(os.getpid(), 0)
        return 0 if (early, group.slot, total(group)) == ((-1, 6.0), 1, 7.0) else 1

    assert run_in_child(work) == 0
    assert total(group) == 7.0
    assert group.record(REQUESTS, ("/",))[0] == 5.0


def test_the_child_of_a_worker_does_not_keep_it_alive(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.tell("set", "live_sum", 1.0, 1.0)

    orphan = worker.tell("fork")
    worker.kill()
    alive = [shape.name for shape in watcher.snapshot().families()]
    os.kill(orphan, signal.SIGKILL)

    assert alive == []


def test_a_child_forked_while_a_thread_holds_every_lock_goes_on(
    crew: Crew, group: Group, run_in_child: "Child"
) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with (
            group._state,
            group._records._lock,
            locks.exclusive(str(crew.directory), 0.0) as locked,
        ):
            assert locked
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)

    def work() -> int:
        group.join()  # The lock of the group is its parent's: it comes without, because it may end at once.
        group.record(REQUESTS, ("/",))[0] += 1.0
        group.tend()
        return 0 if not group.degraded and total(group) == 1.0 else 1

    try:
        assert run_in_child(work) == 0
    finally:
        release.set()
        holder.join()
    assert len(crew.failures) == 0


def test_a_child_does_not_hold_the_lock_of_the_group_for_its_parent(crew: Crew, group: Group) -> None:
    reading, writing = os.pipe()
    with locks.exclusive(str(crew.directory), 0.0):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        for descriptor in locks._HELD.descriptors.copy():
            os.close(descriptor)  # As if the parent had died: nothing is unlocked, only closed.
            locks._HELD.descriptors.discard(descriptor)
    with locks.exclusive(str(crew.directory), 10.0) as free:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)

    assert free


def test_a_lock_whose_file_was_removed_as_it_was_taken_is_not_the_lock(
    crew: Crew, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, removed = crew.directory / locks.NAME, list[Path]()

    def flock(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(path)
            path.unlink()
        real(descriptor, operation)

    real = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock)
    with locks.exclusive(str(crew.directory), 10.0) as held:
        there = path.exists()
    path.unlink(missing_ok=True)

    assert (held, there) == (True, True)


def test_threads_that_take_the_same_new_series_get_one_record(crew: Crew, group: Group) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    taken: list[list[int]] = []

    def take() -> None:
        taken.append([id(group.record(REQUESTS, (str(number),))) for number in range(300)])

    threads = [threading.Thread(target=take) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(20):
            group.snapshot()
            group.tend()
    finally:
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)

    assert len(taken) == 4
    assert taken.count(taken[0]) == 4
    assert crew.failures == []


def test_no_descriptor_is_left_open_for_workers_that_have_gone(crew: Crew, group: Group) -> None:
    def descriptors() -> int:
        gc.collect()  # Maps of tests before have a descriptor each.
        return len(list(Path("/dev/fd").iterdir()))

    def one() -> None:
        worker = crew.worker()
        worker.add("/", 1)
        group.snapshot()
        worker.kill()
        group.tend()
        group.snapshot()

    one()
    before = descriptors()
    for _ in range(5):
        one()

    assert descriptors() == before


def test_nobody_waits_for_ever_for_one_who_is_stuck(
    crew: Crew, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("observekit.metrics.workers.records._WAIT_SECONDS", 0.01)
    group.record(REQUESTS, ("/",))[0] = 1.0
    assert total(group) == 1.0
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with group._state, group._records._lock:
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    group.record(REQUESTS, ("/",))[0] = 2.0
    group.record(REQUESTS, ("/new",))[0] = 4.0
    group.tend()
    stuck = total(group), group.degraded
    release.set()
    holder.join()
    group.tend()

    assert stuck == (1.0, True)
    assert not group.degraded
    assert total(group) == total(crew.watcher()) == 6.0


def test_a_child_can_end_what_its_parent_was_about_to_wait_for(run_in_child: "Child") -> None:
    waits = Waits(Guard(("ops",)))

    def work() -> int:
        waits.end()
        return 0

    with waits._ended._cond:  # type: ignore[attr-defined]  # as the thread has it that waits
        code = run_in_child(work)

    assert code == 0
