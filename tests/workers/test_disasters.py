"""What becomes of files and directories: the service goes on, says so, and recovers."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from observekit.metrics.workers import layout
from observekit.metrics.workers.shapes import ABSENT

from .conftest import Crew
from .crew import REQUESTS, Worker, shown, total

AS_ROOT = os.geteuid() == 0
NOBODY = 65534
NO_PID = 2**22 + 1


def _state(worker: Worker) -> tuple[bool, int]:
    state = worker.tell("state")
    return state["degraded"], len(state["failures"])


def test_a_worker_whose_files_are_removed_makes_new_ones_and_loses_nothing(crew: Crew) -> None:
    watcher, worker, other = crew.watcher(), crew.worker(), crew.worker()
    seen = []

    for round_ in range(5):
        worker.add(f"/{round_}", 1)
        seen.append(total(watcher))
        for path in crew.directory.iterdir():
            path.unlink()
        worker.add("/", 1)
        seen.append(total(watcher))
        worker.tell("tend")
        other.tell("tend")
        seen.append(total(watcher))

    assert seen == [float(2 * (at // 3) + min(at % 3 + 1, 2)) for at in range(15)]
    assert total(crew.watcher()) == worker.tell("total") == other.tell("total") == 10.0
    assert _state(worker) == (False, 5)
    assert len(crew.files()) == 4 + 1


def test_a_directory_that_is_removed_is_made_again_with_the_dead(crew: Crew) -> None:
    watcher, first, second, third = crew.watcher(), crew.worker(), crew.worker(), crew.worker()
    first.add("/", 1)
    second.add("/", 2)
    third.add("/", 4)
    third.kill()
    second.tell("tend")
    before = total(watcher), first.tell("total")

    shutil.rmtree(crew.directory)
    gone = total(watcher), first.tell("total")
    newcomer = crew.worker()
    newcomer.add("/", 8)
    newcomer.kill()
    other = crew.worker()
    other.tell("tend")  # Begins a sum of its own, since it knows of nothing else.
    for worker in (first, second, first, second):
        worker.tell("tend")

    assert before == gone == (7.0, 7.0)
    assert total(crew.watcher()) == first.tell("total") == second.tell("total") == other.tell("total") == 15.0


@pytest.mark.parametrize("spoil", [b"", b"garbage", b"obsdead1 00000000 2\n[]", bytes(300)])
def test_a_sum_that_was_spoilt_is_put_right_by_those_who_know_it(crew: Crew, spoil: bytes) -> None:
    watcher, first, second = crew.watcher(), crew.worker(), crew.worker()
    second.add("/", 2)
    second.kill()
    first.tell("tend")
    sum_file = crew.directory / "dead"

    sum_file.unlink()
    sum_file.write_bytes(spoil)
    spoilt = first.tell("total")
    first.tell("tend")

    assert spoilt == total(crew.watcher()) == total(watcher) == 2.0
    assert len(first.tell("state")["failures"]) == 1


def test_a_sum_that_is_cut_off_in_place_is_put_right(crew: Crew) -> None:
    first, second = crew.worker(), crew.worker()
    second.add("/", 2)
    second.kill()
    first.tell("tend")

    (crew.directory / "dead").chmod(0o600)
    os.truncate(crew.directory / "dead", 10)
    cut_off = first.tell("total")
    first.tell("tend")

    assert cut_off == first.tell("total") == total(crew.watcher()) == 2.0


def test_garbage_is_told_of_and_removed_and_what_is_not_ours_is_left_alone(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.add("/", 1)
    stem = f"3-{NO_PID}-{'0' * 16}-1"
    in_the_making = f"9-{os.getpid()}-{'0' * 16}-1.keys"
    for name, text in {
        f"{stem}.values": b"",
        f"4{stem}.values": b"garbage" * 100,
        f"4{stem}.keys": b"garbage" * 100,
        f"5{stem}.keys": b"",
        f"6{stem}.making": b"half",
        in_the_making: b"",
        "something else": b"of somebody else",
    }.items():
        (crew.directory / name).write_bytes(text)
    (crew.directory / f"7{stem}.values").symlink_to("/dev/zero")
    (crew.directory / f"7{stem}.keys").symlink_to("/dev/zero")
    os.mkfifo(crew.directory / f"8{stem}.values")
    (crew.directory / f"8{stem}.keys").write_bytes(b"")

    seen = total(watcher), worker.tell("total")
    worker.tell("tend")
    worker.tell("tend")

    assert seen == (1.0, 1.0)
    left = [name for name in crew.files() if "0" * 16 in name]
    assert left == [
        *(f"{number}{stem}.{kind}" for number in (7, 8) for kind in ("keys", "values")),
        in_the_making,
    ]
    assert "something else" in crew.files()
    assert {type(failure).__name__ for failure in crew.failures} == {
        "WorkerFileError",
        "OSError",
        "PermissionError",
    }


def test_torn_and_foreign_keys_are_skipped_and_counted_once(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.add("/", 1)
    keys = crew.file(worker, "keys")

    keys.chmod(0o600)
    with keys.open("ab") as file:
        file.write(b'00000000 ["s",0,["/x"],0]\n\n\xff\xfe\n')
    worker.add("/b", 2)
    seen = [shown(watcher)["requests_total"] for _ in range(2)]

    assert seen == [{("/",): [1.0], ("/b",): [2.0]}] * 2
    assert [str(failure) for failure in crew.failures] == [
        f"2 keys of {str(keys)[: -len('.keys')]!r} are damaged."
    ]


def test_values_that_cannot_be_are_left_out_and_counted(crew: Crew) -> None:
    watcher, group = crew.watcher(), crew.watcher()
    group.join()
    for at, value in enumerate((1.0, -1.0, ABSENT, float("inf"))):
        group.record(REQUESTS, (str(at),))[0] = value

    snapshot = group.snapshot()

    assert snapshot.series(REQUESTS) == {("0",): [1.0], ("3",): [float("inf")]}
    assert snapshot.skipped == group.snapshot().skipped == watcher.snapshot().skipped == 1
    # Once by each of the two that have looked.
    assert list(map(str, crew.failures)) == ["1 series have values that cannot be, and are left out."] * 2
    group.leave()


def test_a_reader_of_a_file_that_was_cut_off_keeps_what_it_has_seen(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.add("/a", 1)
    worker.add("/b", 2)
    before = total(watcher)
    path = crew.file(worker)
    path.chmod(0o600)

    os.truncate(path, layout.HEADER_BYTES + 8)
    cut_off = total(watcher)
    os.truncate(path, 0)
    empty = total(watcher)
    worker.kill()

    assert before == cut_off == empty == 3.0
    assert crew.failures


def test_a_worker_that_sees_its_values_cut_off_takes_their_room_again_and_loses_nothing(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.add("/a", 1)
    values = crew.file(worker)

    values.chmod(0o600)
    os.truncate(values, 0)
    worker.tell("tend")
    worker.add("/b", 2)

    assert worker.tell("total") == total(crew.watcher()) == total(watcher) == 3.0
    assert _state(worker) == (False, 1)


def test_keys_that_were_cut_off_lead_to_new_files(crew: Crew) -> None:
    watcher, worker = crew.watcher(), crew.worker()
    worker.add("/a", 1)
    keys = crew.file(worker, "keys")

    keys.chmod(0o600)
    os.truncate(keys, 0)
    worker.tell("tend")
    worker.add("/b", 2)

    assert shown(watcher) == {"requests_total": {("/a",): [1.0], ("/b",): [2.0]}}


@pytest.mark.skipif(not AS_ROOT, reason="only root can become nobody")
def test_nobody_but_root_can_cut_off_a_file_by_accident(crew: Crew, home: Path) -> None:
    home.chmod(0o755)
    crew.directory.mkdir(0o700)
    os.chown(crew.directory, NOBODY, NOBODY)
    worker = crew.worker(_become_nobody)
    worker.add("/", 1)
    path = crew.file(worker)

    refused = subprocess.run(
        ["sh", "-c", f": > {path}"], user=NOBODY, group=NOBODY, capture_output=True, check=False
    )
    worker.add("/", 1)

    assert refused.returncode != 0
    assert oct(path.stat().st_mode & 0o777) == "0o400"
    assert worker.tell("total") == 2.0


def _become_nobody() -> None:
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@pytest.mark.skipif(not AS_ROOT, reason="only root can become nobody")
@pytest.mark.parametrize("trouble", ["of another owner", "read-only", "a file"])
def test_a_directory_that_cannot_be_used_leaves_the_worker_in_memory_until_it_can(
    crew: Crew, home: Path, trouble: str
) -> None:
    os.chown(home, NOBODY, NOBODY)
    if trouble == "a file":
        crew.directory.write_text("")
    else:
        crew.directory.mkdir(0o700 if trouble == "of another owner" else 0o500)
    if trouble == "read-only":
        os.chown(crew.directory, NOBODY, NOBODY)
    worker = crew.worker(_become_nobody)
    worker.add("/", 1)
    for _ in range(3):
        worker.tell("tend")
    before = _state(worker), worker.tell("total")

    if trouble == "a file":
        crew.directory.unlink()
    else:
        crew.directory.chmod(0o700)
        os.chown(crew.directory, NOBODY, NOBODY)
    worker.tell("tend")
    worker.add("/", 1)

    assert before == ((True, 1), 1.0)
    assert _state(worker) == (False, 1)
    assert crew.worker(_become_nobody).tell("total") == 2.0


def test_a_path_that_is_too_long_leaves_the_worker_in_memory(crew: Crew) -> None:
    crew.directory = crew.directory / ("x" * 300)
    worker = crew.worker()
    worker.add("/", 1)

    assert _state(worker) == (True, 1)
    assert worker.tell("total") == 1.0


@pytest.mark.skipif(not AS_ROOT, reason="only root could use it")
def test_a_directory_of_another_owner_is_not_used_even_by_root(crew: Crew) -> None:
    crew.directory.mkdir(0o700)
    os.chown(crew.directory, NOBODY, NOBODY)

    worker = crew.worker()
    worker.add("/", 1)

    assert _state(worker) == (True, 1)
    assert crew.files() == []
    assert worker.tell("total") == 1.0
