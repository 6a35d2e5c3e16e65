"""``observekit probe``: exec probes by socket, by ops port and by a file that is kept."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from observekit import Kit
from observekit.cli import main
from tests.conftest import Child
from tests.drain.peers import Said, says_nothing, sibling
from tests.drain.service import until

Make = Callable[..., Kit]


@pytest.mark.parametrize("place", ["socket", "port"])
def test_a_worker_without_http_says_how_it_is(make_kit: Make, place: str) -> None:
    kit = make_kit(management=place == "socket", ops_port=0)
    who = () if place == "socket" else ("--ops-port", str(kit.ops_port))
    before = [main(["probe", question, *who]) for question in ("live", "ready", "startup")]
    kit.lifecycle.serving()
    during = [main(["probe", question, *who]) for question in ("live", "ready", "startup")]
    kit.lifecycle.drain()
    after = [main(["probe", question, *who]) for question in ("live", "ready", "startup")]

    assert (before, during, after) == ([0, 1, 1], [0, 0, 0], [0, 1, 0])


def test_what_fails_is_named(make_kit: Make, capsys: pytest.CaptureFixture[str]) -> None:
    kit = make_kit(management=True)
    kit.add_check("database", lambda: False)
    kit.lifecycle.serving()

    assert main(["probe", "ready"]) == 1
    assert "database" in capsys.readouterr().out


def test_a_worker_whose_loop_is_stuck_says_so_where_it_has_a_socket_and_no_port(
    make_kit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn/23.0.0")  # As those have it that gunicorn forks.
    kit = make_kit(liveness_stall_seconds=1)

    async def stuck() -> int:
        kit.lifecycle.serving()
        before = main(["probe", "live"])
        until(lambda: main(["probe", "live"]) == 1, "it lives")
        return before

    assert asyncio.run(stuck()) == 0


def test_nobody_to_ask_is_no_yes(make_kit: Make) -> None:
    make_kit()

    assert main(["probe", "live"]) == 3


def test_a_port_that_nobody_listens_on_is_no_yes(make_kit: Make) -> None:
    assert main(["probe", "live", "--ops-port", "1"]) == 3


def test_a_file_says_how_the_process_is(
    make_kit: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("observekit.install.health_file.EVERY_SECONDS", 1.5)
    file, others = tmp_path / "beat", tmp_path / "others"
    others.write_text("theirs")
    # As somebody may put there who can write to the directory.
    (tmp_path / f".beat.{os.getpid()}").symlink_to(others)
    kit = make_kit(heartbeat_file=str(file))
    kit.lifecycle.serving()
    until(lambda: file.exists() and json.loads(file.read_text())["ready"] == "ok", "not written")
    monkeypatch.setenv("OBSERVEKIT_HEARTBEAT_FILE", str(file))
    yes = [main(["probe", question]) for question in ("live", "ready", "startup")]
    kit.lifecycle.drain()
    until(lambda: json.loads(file.read_text())["ready"] == "draining", "not written again")
    no = main(["probe", "ready", "--file", str(file)])
    kit.shutdown()

    assert (yes, no, file.exists()) == ([0, 0, 0], 1, False)
    assert others.read_text() == "theirs"
    assert capsys.readouterr().out.split() == ["ok", "ok", "ok", "draining"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"at": -1000.0, "every_seconds": 5, "ready": "ok"}, 1),
        ({"at": 1000.0, "every_seconds": 5, "ready": "ok"}, 1),
        ({"at": -14.0, "every_seconds": 5, "ready": "ok"}, 0),
        ({"at": 0.0, "every_seconds": 5}, 3),
        ({"at": "now", "every_seconds": 5, "ready": "ok"}, 3),
        ([], 3),
        (None, 3),
    ],
)
def test_a_file_that_is_old_or_odd_is_no_yes(tmp_path: Path, said: object, code: int) -> None:
    file = tmp_path / "beat"
    if isinstance(said, dict) and isinstance(said["at"], float):
        said = {**said, "at": monotonic() + said["at"]}
    if said is not None:
        file.write_text(json.dumps(said))

    assert main(["probe", "ready", "--file", str(file)]) == code


def test_a_probe_loads_neither_a_framework_nor_telemetry() -> None:
    import subprocess

    code = (
        "import sys; from observekit.cli import main; main(['probe', 'live', '--ops-port', '1']);"
        "print([name for name in ('structlog', 'prometheus_client', 'opentelemetry', 'starlette', 'asyncio')"
        " if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"


def test_several_workers_keep_one_file_that_says_how_all_of_them_are(
    make_kit: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("observekit.install.health_file.EVERY_SECONDS", 0.1)
    file = tmp_path / "beat"
    kit = make_kit(service_name="orders", heartbeat_file=str(file), management=True)
    kit.lifecycle.serving()
    told: list[dict[str, str]] = []

    def says(ready: str, startup: str) -> bool:
        told[:] = [json.loads(file.read_text())] if file.exists() else []
        return [(one["ready"], one["startup"], one["live"]) for one in told] == [(ready, startup, "ok")]

    until(lambda: says("ok", "ok"), "it is not well alone")
    with sibling(tmp_path, lambda _, path: Said(200 if path == "/livez" else 503, {"x": 1})):
        until(lambda: says('{"x": 1}', '{"x": 1}'), f"the other one is not heard: {told}")
    with sibling(tmp_path, says_nothing):
        until(lambda: says("silent", "silent"), f"silence is not heard: {told}")
        kit.shutdown()
        there = file.exists()

    assert there  # The other one goes on, and writes it.


def test_a_parent_that_has_forked_those_who_serve_leaves_the_file_to_them(
    make_kit: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_in_child: Child
) -> None:
    monkeypatch.setattr("observekit.install.health_file.EVERY_SECONDS", 0.1)
    file = tmp_path / "beat"
    kit = make_kit(service_name="orders", heartbeat_file=str(file))
    until(file.exists, "the parent does not write before it forks")

    def serve() -> int:
        kit.lifecycle.serving()
        kit.join()
        file.unlink(missing_ok=True)
        until(file.exists, "the child does not write")
        return 0 if json.loads(file.read_text())["pid"] == os.getpid() else 1

    code = run_in_child(serve)
    file.unlink()
    kit.lifecycle.serving()  # Now the parent has a life of its own.
    until(file.exists, "the parent does not go on")

    assert (code, json.loads(file.read_text())["pid"]) == (0, os.getpid())
