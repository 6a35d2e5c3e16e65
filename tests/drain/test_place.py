"""The directory in which the processes of a service meet: whose it is, and who gets in."""

import os
import stat
from pathlib import Path

import pytest

from observekit.health.asking import ask
from observekit.health.parentage import is_running, start_of
from observekit.health.place import RUN_VARIABLE, Place, make_run, of_this_process
from observekit.health.places import all_places
from tests.conftest import Child

NOBODY = 65534


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment whose runtime directory is the test's own, and the only one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return {"RUNTIME_DIRECTORY": str(tmp_path)}


def test_the_directory_is_for_its_user_alone(room: dict[str, str]) -> None:
    place = make_run(room)

    base = stat.S_IMODE(place.path.parent.stat().st_mode)
    # Root's can be passed by those who know what is in it, and be listed by nobody else.
    assert base == (0o711 if os.geteuid() == 0 else 0o700)
    assert place.path in [one.path for one in all_places(room)]


def test_a_process_that_nobody_would_look_for_has_no_place(room: dict[str, str]) -> None:
    assert of_this_process(room, alone=False) is None


def test_a_place_that_is_given_is_taken_if_it_is_there(room: dict[str, str], tmp_path: Path) -> None:
    place = make_run(room)
    given = of_this_process({**room, RUN_VARIABLE: str(place.path)}, alone=False)
    gone = of_this_process({**room, RUN_VARIABLE: str(tmp_path / "gone")}, alone=False)

    assert (None if given is None else given.path, gone) == (place.path, None)


def test_what_a_killed_service_has_left_is_removed_by_the_next_start(room: dict[str, str]) -> None:
    left, fresh, living = make_run(room), make_run(room), make_run(room)
    dead = left.path.with_name(f"run-{2**22 + 1}-x")  # Above the pids that Linux gives.
    left.path.rename(dead)
    listener, _ = Place(dead).listen()
    listener.close()
    Place(dead).raise_flag("signal")
    heard, _ = living.listen()
    others = living.path.with_name(f"run-{2**22 + 2}-x")
    living.path.rename(others)
    for old in (dead, others):
        os.utime(old, (1, 1))
    make_run(room)

    assert [path.exists() for path in (dead, fresh.path, others)] == [False, True, True]
    heard.close()


def test_a_process_is_another_one_if_it_has_started_at_another_time() -> None:
    own, nobody = os.getpid(), 2**22 + 1

    assert [is_running(own, started) for started in (start_of(own), 0, 1)] == [True, True, False]
    assert (is_running(nobody, 0), start_of(nobody)) == (False, 0)


@pytest.mark.once
def test_workers_meet_at_the_place_of_who_has_forked_them_and_not_at_that_of_an_earlier_life(
    room: dict[str, str], run_in_child: Child
) -> None:
    gunicorn = {**room, "SERVER_SOFTWARE": "gunicorn/1"}
    base = make_run(room).path.parent
    earlier = Place(base / f"of-{os.getpid()}-1")
    earlier.path.mkdir()
    earlier.raise_flag("signal", final=True)

    arbiter = of_this_process(gunicorn, alone=False)
    assert arbiter is not None

    def meet() -> int:
        worker = of_this_process(gunicorn, alone=False)
        return int(worker is None or worker.path != arbiter.path)

    for one in (earlier, arbiter):
        os.utime(one.path, (1, 1))
    again = of_this_process(room, alone=True)

    assert (run_in_child(meet), arbiter.flag()) == (0, None)
    assert again is not None
    assert again.path == arbiter.path == base / f"of-{os.getpid()}-{start_of(os.getpid())}"
    assert not earlier.path.exists()


def test_the_flag_keeps_its_time_and_cause_and_can_become_final(room: dict[str, str]) -> None:
    place = make_run(room)
    first = place.raise_flag("hook")
    second = place.raise_flag("signal", final=True)
    third = place.raise_flag("hook")
    seen = place.flag()
    place.lower_flag()

    assert (second, third, seen) == (first._replace(final=True), second, second)
    assert place.flag() is None


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"since": "now", "cause": "x", "final": false}', "\xff"])
def test_a_flag_that_cannot_be_read_is_none(room: dict[str, str], said: str) -> None:
    place = make_run(room)
    (place.path / "draining").write_bytes(said.encode("latin-1"))

    assert place.flag() is None


def test_what_is_left_of_dead_processes_is_removed_by_those_who_ask(room: dict[str, str]) -> None:
    place = make_run(room)
    listener, path = place.listen()
    listener.close()

    assert ask([path], "GET", "/drain", 1.0) == ({}, [])
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
def test_a_worker_that_has_given_up_root_gets_in_and_nobody_else_finds_it(
    room: dict[str, str], tmp_path: Path, run_in_child: Child
) -> None:
    place = make_run(room)
    for one in (tmp_path, *tmp_path.parents[:2]):
        one.chmod(0o711)
    knowing = {**room, RUN_VARIABLE: str(place.path)}

    def work() -> int:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        joined = of_this_process(knowing, alone=False)
        if joined is None:
            return 1
        _, own = joined.listen()
        if own not in joined.sockets():
            return 3
        return 2 if place.path in [one.path for one in all_places(room)] else 0

    assert run_in_child(work) == 0
    assert len(place.sockets()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root looks into what others have")
def test_root_does_not_follow_where_another_user_leads(room: dict[str, str], tmp_path: Path) -> None:
    base = tmp_path / f"observekit-drain-{NOBODY}"
    theirs, trap = base / "of-1", tmp_path / "trap"
    theirs.mkdir(parents=True)
    trap.mkdir()
    (trap / "dead.sock").touch()
    for one in (base, theirs):
        os.chown(one, NOBODY, NOBODY)
        one.chmod(0o700)
    (base / "of-2").symlink_to(trap)
    listener, living = Place(theirs).listen()
    found = all_places(room)
    theirs.rename(base / "of-3")  # Between the look and what is done with it.
    theirs.symlink_to(trap)

    replies, silent = ask([path for place in found for path in place.sockets()], "GET", "/drain", 0.1)

    assert [path.name for path in silent] == [living.name]
    assert (replies, (trap / "dead.sock").exists()) == ({}, True)
    listener.close()


def test_what_is_another_users_to_answer_is_no_silence(
    room: dict[str, str], run_in_child: Child, tmp_path: Path
) -> None:
    place = make_run(room)
    listener, path = place.listen()
    path.chmod(0o600)
    for one in (tmp_path, *tmp_path.parents[:2]):
        one.chmod(0o711)

    def look() -> int:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        else:
            path.chmod(0o000)
        return 0 if ask([path], "GET", "/drain", 0.1) == ({}, []) else 1

    assert run_in_child(look) == 0
    listener.close()
