"""systemd's notifications over a real socket, as a unit of Type=notify gets them."""

import json
import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from observekit import Config
from observekit.cli.run.systemd import Systemd as Notifier
from observekit.cli.run.telling import Telling
from observekit.health.place import make_run
from tests.drain.peers import Said, report, says_nothing, sibling
from tests.drain.servers import APP, SERVERS
from tests.drain.service import LONG, free_port, running, supervised

pytestmark = pytest.mark.once


class Systemd:
    """The socket that a unit is given, and what came there."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(LONG)
        self.address = address

    def next(self) -> str:
        return self._socket.recv(4096).decode()

    def waiting(self) -> list[str]:
        """Return what has come so far."""
        found = []
        while select.select([self._socket], [], [], 0)[0]:
            found.append(self.next())
        return found

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_when_a_service_is_ready_that_it_lives_and_that_it_stops(
    tmp_path: Path, abstract: bool
) -> None:
    systemd = Systemd(f"@{tmp_path}" if abstract else str(tmp_path / "notify"))
    port = free_port()
    command = supervised(SERVERS["uvicorn"].command(APP, port), "--drain-delay", "0")
    # 0.4 s; the unit's own process is the one that is watched.
    shell = ["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh", *command]
    watched = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "400000"}
    if abstract:  # Where there are no probes to ask, processes say all the same where they are.
        watched["OBSERVEKIT_HEALTH"] = "off"
    with running(shell, tmp_path, port, **watched) as service:
        heard = [systemd.next(), systemd.next(), systemd.next()]
        answered = service.get("/").status
        service.send(signal.SIGTERM)
        while heard[-1] != "STOPPING=1":
            heard.append(systemd.next())

        assert service.wait() == 0

    systemd.close()
    assert (heard[:3], answered) == (["READY=1", "WATCHDOG=1", "WATCHDOG=1"], 200)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(str(tmp_path / "notify"))
    yield systemd
    systemd.close()


@pytest.mark.parametrize("place", ["empty", "none"])
def test_a_command_that_nobody_has_heard_of_is_ready_in_the_end_and_lives_while_it_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    heard: Systemd,
    place: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    telling = Telling(make_run({"RUNTIME_DIRECTORY": str(tmp_path)}) if place == "empty" else None, Config())
    environ = {"NOTIFY_SOCKET": heard.address, "WATCHDOG_USEC": "2"}
    patient = Notifier(environ, telling)
    patient.turn()
    before = heard.waiting()
    monkeypatch.setattr("observekit.cli.run.systemd._UNHEARD_SECONDS", 0.0)
    notifier = Notifier(environ, telling)
    for _ in range(2):
        notifier.turn()

    assert (before, heard.next(), heard.next()) == ([], "READY=1", "WATCHDOG=1")
    assert json.loads(capfd.readouterr().err)["event"] == "observekit.run_unheard"


@pytest.mark.parametrize("health", [True, False])
@pytest.mark.parametrize(
    ("life", "lives"),
    [((200, "ready"), True), ((503, "broken"), False), ((404, "broken"), False), (None, False)],
)
def test_one_worker_that_says_no_or_nothing_lets_the_watchdog_bark(
    tmp_path: Path, heard: Systemd, health: bool, life: tuple[int, str] | None, lives: bool
) -> None:
    place = make_run({"RUNTIME_DIRECTORY": str(tmp_path)})
    telling = Telling(place, Config(health=health))
    notifier = Notifier({"NOTIFY_SOCKET": heard.address, "WATCHDOG_USEC": "2"}, telling)

    def troubled(_: str, path: str) -> Said | None:
        if life is None:
            return None
        return report(life[1]) if path == "/drain" else Said(life[0])

    with sibling(tmp_path, lambda *_: report("ready")):
        notifier.turn()
        begun = heard.waiting()
        with sibling(tmp_path, troubled, "1-1"):
            notifier.turn()

    assert (begun, heard.waiting()) == (["READY=1", "WATCHDOG=1"], ["WATCHDOG=1"] if lives else [])


def test_a_service_that_is_silent_once_is_asked_again_before_the_watchdog_barks(
    tmp_path: Path, heard: Systemd
) -> None:
    telling = Telling(make_run({"RUNTIME_DIRECTORY": str(tmp_path)}), Config())
    times = [0.0]
    environ = {"NOTIFY_SOCKET": heard.address, "WATCHDOG_USEC": "20000000"}
    notifier = Notifier(environ, telling, clock=lambda: times[-1])

    def turn() -> list[str]:
        due = notifier.due()
        assert due is not None
        times.append(due)
        notifier.turn()
        return heard.waiting()

    with sibling(tmp_path, lambda *_: report("ready")):
        told = [turn()]
        with sibling(tmp_path, says_nothing, "1-1"):
            told.append(turn())
        told.append(turn())
    took = times[-1] - times[1]
    with sibling(tmp_path, says_nothing) as asked:
        notifier.stopping()
        told.append(turn())

    assert told == [["READY=1", "WATCHDOG=1"], [], ["WATCHDOG=1"], ["STOPPING=1", "WATCHDOG=1"]]
    assert (took < 20, asked) == (True, [])


def test_a_watchdog_that_is_meant_for_another_process_is_left_to_it(tmp_path: Path, heard: Systemd) -> None:
    telling = Telling(make_run({"RUNTIME_DIRECTORY": str(tmp_path)}), Config())
    another = {"WATCHDOG_USEC": "2", "WATCHDOG_PID": str(os.getppid())}
    notifier = Notifier({"NOTIFY_SOCKET": heard.address, **another}, telling)

    with sibling(tmp_path, lambda *_: report("ready")):
        for _ in range(3):
            notifier.turn()
    notifier.stopping()

    assert (heard.waiting(), notifier.due()) == (["READY=1", "STOPPING=1"], None)
