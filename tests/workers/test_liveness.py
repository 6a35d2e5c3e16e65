"""Who lives is known by a held lock, or by a process and its start: never by a number that comes again."""

import os
import signal
from array import array
from pathlib import Path

import pytest

from observekit.metrics.workers import layout, processes
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.writing import OwnFile

from .conftest import Crew
from .crew import REQUESTS, gauge, shown, total


def _plant(crew: Crew, pid: int, started: int, amount: float = 1.0) -> None:
    """Leave the files of a worker that had *pid*."""
    identity = Identity(os.urandom(8).hex(), 1, pid, started, 7)
    file = OwnFile(str(crew.directory), identity, layout.LIVING)
    file.place(REQUESTS, ("/",))[0] = amount
    file.place(gauge("live_sum"), ())[0] = 1.0
    file.close()


def test_a_worker_whose_pid_another_process_got_is_dead(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    _plant(crew, worker.pid, processes.start_of(worker.pid) - 1)

    before = shown(watcher)
    worker.tell("tend")

    assert before == shown(watcher) == {"requests_total": {("/",): [1.0]}}
    assert len(crew.files()) == 4


def test_a_worker_that_has_lost_its_lock_lives_and_takes_it_again(crew: Crew) -> None:
    watcher, worker, other = crew.watcher(), crew.worker(), crew.worker()
    worker.add("/", 2)
    worker.tell("set", "live_sum", 1.0, 1.0)

    worker.tell("drop_lock")
    other.tell("tend")
    worker.tell("tend")
    worker.add("/", 1)

    assert total(watcher) == 3.0
    assert watcher.snapshot().series(gauge("live_sum")) == {(): [1.0, 1.0]}
    assert worker.tell("state")["failures"] == []


def test_a_lock_is_enough_to_live(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.tell("set", "live_sum", 1.0, 1.0)
    monkeypatch.setattr(processes, "is_running", lambda *_: False)

    locked = watcher.snapshot().series(gauge("live_sum"))
    worker.tell("drop_lock")
    unlocked = watcher.snapshot().series(gauge("live_sum"))
    worker.tell("tend")
    again = watcher.snapshot().series(gauge("live_sum"))

    assert (locked, unlocked, again) == ({(): [1.0, 1.0]}, {}, {(): [1.0, 1.0]})


def test_a_zombie_is_dead(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.tell("set", "live_sum", 1.0, 1.0)

    os.kill(worker.pid, signal.SIGKILL)
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)

    assert watcher.snapshot().series(gauge("live_sum")) == {}


def test_a_process_without_a_known_start_lives_as_long_as_its_pid(crew: Crew) -> None:
    worker = crew.worker()

    alive = processes.is_running(worker.pid, 0), processes.is_running(worker.pid, 1)
    worker.kill()

    assert alive == (True, False)
    assert not processes.is_running(worker.pid, 0)


def test_a_worker_that_was_folded_while_alive_goes_on_from_there(crew: Crew) -> None:
    watcher, worker, other = crew.watcher(), crew.worker(), crew.worker()
    other.add("/", 10)
    worker.add("/", 5)
    worker.tell("observe", "/", 1, 0.5)
    for merge in ("sum", "live_sum", "max"):
        worker.tell("set", merge, 3.0, 1.0)
    before = shown(watcher)

    _take_for_dead(crew, worker.pid)
    folded = worker.tell("total"), total(watcher), watcher.snapshot().series(gauge("live_sum"))
    worker.tell("tend")
    noticed = shown(watcher)
    worker.add("/", 1)
    again = total(watcher)
    worker.kill()
    other.tell("tend")

    assert folded == (15.0, 15.0, {})
    assert noticed == before
    assert again == total(watcher) == other.tell("total") == 16.0


def _take_for_dead(crew: Crew, pid: int) -> None:
    """Have somebody fold a living worker, by making its file say that it has left."""
    (path,) = crew.directory.glob(f"*-{pid}-*.values")
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(layout.STATE * layout.DOUBLE)
        file.write(array("d", [layout.LEFT]).tobytes())
    folder = crew.worker()
    folder.tell("tend")
    folder.kill()


def test_a_slot_is_of_one_living_worker_and_the_smallest_that_is_free(crew: Crew) -> None:
    first, second, third = (crew.worker() for _ in range(3))
    slots = [worker.tell("state")["slot"] for worker in (first, second, third)]

    second.kill()
    heir, next_one = crew.worker(), crew.worker()

    assert slots == [0, 1, 2]
    assert (heir.tell("state")["slot"], next_one.tell("state")["slot"]) == (1, 3)


def test_a_worker_that_is_just_joining_has_its_slot_already(crew: Crew) -> None:
    first, joining = crew.worker(), crew.worker(join=False)
    joining.tell("begin_to_join")

    slots = [worker.tell("state")["slot"] for worker in (first, crew.worker())]

    assert slots == [0, 2]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_a_process_whose_name_looks_like_its_state_is_looked_up(crew: Crew) -> None:
    worker = crew.worker(lambda: Path("/proc/self/comm").write_bytes(b"a) Z 1 (b"))

    found = processes.look_up(worker.pid)

    assert found is not None
    assert (found.parent, found.zombie, found.forked) == (os.getpid(), False, True)
