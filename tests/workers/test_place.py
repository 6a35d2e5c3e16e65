"""Who belongs together finds the same directory, without being told; what has ended is swept away."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from observekit.metrics.workers import kin, locks, processes
from observekit.metrics.workers.group import Group
from observekit.metrics.workers.place import Place

from .conftest import Crew
from .crew import total

NO_PID = 2**22 + 1


@pytest.fixture
def failures() -> list[BaseException]:
    """Return what did not work."""
    return []


@pytest.fixture
def place(home: Path, failures: list[BaseException]) -> Place:
    """Return the place of a service that has a runtime directory."""
    return Place(None, {"RUNTIME_DIRECTORY": str(home)}, failures.append)


def _in_child(work: Callable[[], object]) -> Any:
    """Return what *work* returns in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)
            os.write(writing, json.dumps(work(), default=str).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        answer = lines.read()
    os.waitpid(child, 0)
    return json.loads(answer)


def test_a_process_that_was_started_alone_has_no_group() -> None:
    script = (
        "from observekit.metrics.workers import kin, place\n"
        "import os\n"
        "print(kin.starter(), place.Place(None, os.environ, print).of_worker())"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "None None\n"


def test_forked_children_are_in_the_group_of_their_parent(place: Place, home: Path) -> None:
    mine = kin.start_by(os.getpid()).name
    expected = str(home / f"observekit-{os.geteuid()}" / mine)

    found = [_in_child(place.of_worker), _in_child(place.of_worker)]

    assert found == [expected, expected]
    assert place.of_children() == place.of_starter() == Path(expected)
    assert oct(Path(expected).stat().st_mode & 0o777) == "0o700"


def test_a_starter_without_children_has_no_directory(place: Place, home: Path) -> None:
    assert place.of_children() is None
    assert list(home.iterdir()) == []


_MULTIPROCESSING = """
import multiprocessing, os, sys
from observekit.metrics.workers import kin

def tell(answers):
    answers.put(kin.starter())

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    answers = context.SimpleQueue()
    child = context.Process(target=tell, args=(answers,))
    child.start()
    child.join()
    print(answers.get() == os.getpid())
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_are_in_the_group_of_their_parent(home: Path, method: str) -> None:
    script = home / "script.py"
    script.write_text(_MULTIPROCESSING)

    done = subprocess.run(
        [sys.executable, str(script), method], capture_output=True, text=True, check=True, timeout=40
    )

    assert done.stdout == "True\n"


def test_a_daemon_is_nobodys_worker() -> None:
    def daemon() -> object:
        os.setsid()
        return kin.starter()

    assert _in_child(daemon) is None


def test_a_process_that_executes_another_program_is_nobodys_worker() -> None:
    def execute() -> object:
        script = "from observekit.metrics.workers import kin; print(kin.starter())"
        return subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout

    assert _in_child(execute) == "None\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_worker_that_gave_up_root_is_still_in_the_group_of_its_parent() -> None:
    def give_up() -> object:
        os.setuid(65534)
        return kin.starter()

    assert _in_child(give_up) == os.getpid()


def test_the_child_of_a_worker_is_in_the_group_of_the_worker(place: Place, home: Path) -> None:
    directory = place.of_starter()
    crew = Crew(directory)

    def worker() -> object:
        group = Group(directory, crew.failures.append)
        group.join()
        return _in_child(place.of_worker)

    assert _in_child(worker) == str(directory)


def test_all_workers_use_the_directory_that_the_first_has_made(
    home: Path, failures: list[BaseException]
) -> None:
    environ = {"RUNTIME_DIRECTORY": str(home / "a"), "XDG_RUNTIME_DIR": str(home / "b")}
    (home / "b").mkdir()
    first = Place(None, environ, failures.append).of_starter()
    (home / "a").mkdir()

    second = Place(None, environ, failures.append).of_starter()

    assert first == second
    assert first.is_relative_to(home)


def test_what_is_configured_comes_first(home: Path, failures: list[BaseException]) -> None:
    for name in ("own", "runtime"):
        (home / name).mkdir()
    environ = {"RUNTIME_DIRECTORY": f"{home / 'runtime'}:/other"}

    chosen = [Place(text, environ, failures.append).of_starter() for text in (f"{home / 'own'}", "relative")]

    assert [path.parent.parent for path in chosen] == [home / "own", home / "runtime"]
    assert failures == []


@pytest.mark.parametrize("name", ["x" * 300, "file", "stranger", "nul\0", "/proc/nowhere"])
def test_what_cannot_be_used_is_passed_over_and_said(
    home: Path, failures: list[BaseException], name: str
) -> None:
    (home / "file").write_text("")
    (home / "stranger").mkdir()
    (home / "stranger" / f"observekit-{os.geteuid()}").symlink_to(home)
    runtime = home / "runtime"
    runtime.mkdir()

    chosen = Place(str(home / name), {"RUNTIME_DIRECTORY": str(runtime)}, failures.append).of_starter()

    assert chosen.parent.parent == runtime
    assert len(failures) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_worker_passes_over_a_directory_that_it_may_not_look_into(home: Path) -> None:
    home.chmod(0o711)
    (home / "closed").mkdir(0o711)
    (home / "runtime").mkdir()
    os.chown(home / "runtime", 65534, 65534)

    def choose() -> object:
        os.setuid(65534)
        environ = {"RUNTIME_DIRECTORY": str(home / "runtime")}
        return Place(str(home / "closed"), environ, lambda _: None).of_worker()

    assert Path(_in_child(choose)).parent.parent == home / "runtime"


def ended_group(home: Path, **changes: Any) -> Path:
    """Leave the directory of a service that has ended."""
    start = kin.start_by(os.getpid())._replace(**{"pid": NO_PID, **changes})
    directory = home / f"observekit-{os.geteuid()}" / start.name
    directory.mkdir(0o700, parents=True)
    directory.parent.chmod(0o700)
    (directory / f"0-{NO_PID}-{'0' * 16}-1.values").write_bytes(b"")
    return directory


def test_groups_that_have_ended_are_swept_by_the_next_and_all_others_stay(place: Place, home: Path) -> None:
    ended = [
        ended_group(home),
        ended_group(home, boot="another", pid=os.getpid()),
        ended_group(home, namespace=1),
    ]
    crew = Crew(ended_group(home, started=5))
    worker = crew.worker()
    for one in ended[1:]:
        os.utime(one / f"0-{NO_PID}-{'0' * 16}-1.values", (0, 0))
        os.utime(one, (0, 0))
    recent = [ended_group(home, namespace=2), ended_group(home, boot="other")]
    stranger = home / f"observekit-{os.geteuid()}" / "of-somebody-else"
    stranger.mkdir()
    probe = stranger.parent / "probe-0123"
    probe.write_bytes(b"")
    os.utime(probe, (0, 0))

    own = place.of_starter()

    left = sorted(path for path in own.parent.iterdir() if path.name != locks.NAME)
    assert left == sorted([own, *recent, stranger, crew.directory])
    worker.kill()


def test_a_release_with_other_files_has_a_directory_of_its_own(place: Place) -> None:
    start = kin.start_by(os.getpid())

    assert place.of_starter().name == start.name
    assert start._replace(layout=start.layout + 1).name != start.name


def test_a_group_whose_starter_runs_stays(place: Place, home: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        directory = ended_group(home, started=processes.start_of(other.pid))
        renamed = directory.with_name(directory.name.replace(str(NO_PID), str(other.pid)))
        directory.rename(renamed)

        place.of_starter()

        assert renamed.is_dir()
    finally:
        other.communicate(b"\n")


def test_two_services_of_one_user_do_not_meet(place: Place, home: Path) -> None:
    crews = []
    for started in (1, 2):
        crews.append(Crew(ended_group(home, started=started)))
        crews[-1].worker().add("/", started)

    place.of_starter()
    totals = [total(crew.watcher()) for crew in crews]
    for crew in crews:
        crew.end()

    assert totals == [1.0, 2.0]


def test_without_proc_the_lock_tells_who_lives_and_multiprocessing_who_belongs_together(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_PROC", "/nowhere")
    context = multiprocessing.get_context("fork")
    watcher, worker, dead = crew.watcher(), crew.worker(), crew.worker()
    worker.tell("set", "live_sum", 1.0, 1.0)
    dead.tell("set", "live_sum", 2.0, 1.0)
    dead.kill()

    names: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    child = context.Process(target=lambda: names.put(kin.start_by(kin.starter() or 0).name))
    child.start()
    name = names.get()
    child.join(20)

    assert [
        list(series.values()) for series in map(watcher.snapshot().series, watcher.snapshot().families())
    ] == [[[1.0, 1.0]]]
    assert name == kin.start_by(os.getpid()).name
    assert kin.parse(name) == kin.start_by(os.getpid())
    assert kin.start_by(os.getpid()).started
