"""Several workers behind one port tell one readiness, whichever of them is asked."""

import http.client
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from observekit.health.siblings import Policy, Siblings
from tests.real_servers.programs import LOOPBACK, free_port

pytestmark = pytest.mark.once

LONG = 40.0
"""Seconds that nothing here takes: a limit for what went wrong."""

APP = """
import os
from pathlib import Path
from observekit import ObserveMiddleware, setup

kit = setup(logs="off", traces=False)
place = Path(os.environ["PLACE"])

@kit.readiness
def well() -> bool:
    return not (place / str(os.getpid())).exists()

async def plain(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

app = ObserveMiddleware(plain)
"""


class Workers:
    """A service of three workers."""

    def __init__(self, port: int, place: Path) -> None:
        self.port = port
        self.place = place

    def get(self, path: str, timeout: float = LONG) -> tuple[int, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def until(self, path: str, told: str) -> None:
        """Ask until many in a row are told so."""
        end, pause, row = monotonic() + LONG, Event(), 0
        while row < 100:  # One that has no CPU time may be asked last, and know the least.
            said = ""
            try:
                said = self.get(path)[1]
            except OSError:
                pause.wait(0.05)
            row = row + 1 if told in said else 0
            assert monotonic() < end, said

    def pids(self) -> set[int]:
        """Return the workers that answer."""
        end, found = monotonic() + LONG, set[int]()
        while len(found) < 3:
            assert monotonic() < end, found
            found.add(int(self.get("/")[1]))
        return found

    def spoil(self, *pids: int) -> None:
        """Let the check of these workers fail, and of no other."""
        for file in self.place.iterdir():
            if file.name.isdigit():
                file.unlink()
        for pid in pids:
            (self.place / str(pid)).touch()


@contextmanager
def served(directory: Path, policy: str) -> Iterator[Workers]:
    (directory / "spread.py").write_text(APP)
    port = free_port()
    environ = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OBSERVEKIT_"))
        },
        "OBSERVEKIT_READINESS_WORKERS": policy,
        "OBSERVEKIT_CHECK_CACHE": "0.1",
        "PLACE": str(directory),
        "RUNTIME_DIRECTORY": str(directory),
        "PYTHONPATH": f"{Path(__file__).parents[2]}{os.pathsep}{directory}",
    }
    server = ("uvicorn", "spread:app", "--port", str(port), "--workers", "3", "--log-level", "error")
    with subprocess.Popen([sys.executable, "-m", *server], env=environ, start_new_session=True) as running:
        try:
            workers = Workers(port, directory)
            workers.until("/readyz?verbose", "3 of 3 workers are ready" if policy != "own" else "ok")
            yield workers
        finally:
            os.killpg(running.pid, signal.SIGKILL)


def test_all_workers_tell_one_readiness_and_one_that_is_held_still_is_not_ready(tmp_path: Path) -> None:
    with served(tmp_path, "quorum") as workers:
        pids = sorted(workers.pids())
        told = []
        for spoilt in (1, 2):
            workers.spoil(*pids[:spoilt])
            workers.until("/readyz?verbose", f"{3 - spoilt} of 3 workers are ready")
            told.append(Counter(workers.get("/readyz")[1] for _ in range(100)))
        workers.spoil()
        workers.until("/readyz?verbose", "3 of 3 workers are ready")
        os.kill(pids[0], signal.SIGSTOP)
        workers.spoil(pids[1])
        seen = _from_the_others(workers, "1 of 3 workers are ready\nfailed\n")
        os.kill(pids[0], signal.SIGCONT)
        workers.spoil()
        workers.until("/readyz?verbose", "3 of 3 workers are ready")

    assert told == [{"ok\n": 100}, {"failed\n": 100}]
    assert seen


@pytest.mark.parametrize(
    ("policy", "enough"),
    [
        ("any", [False, True, True, True, True]),
        ("quorum", [False, False, False, True, True]),
        ("all", [False, False, False, False, True]),
    ],
)
def test_so_many_of_four_are_enough(policy: Policy, enough: list[bool]) -> None:
    siblings = Siblings(policy, "/readyz", list, lambda _: None)

    assert [siblings._is_enough(ready, 4) for ready in range(5)] == enough


def _from_the_others(workers: Workers, wanted: str) -> bool:
    """Whether some worker says so; who asks the one that is held still gets no answer."""
    end = monotonic() + LONG
    while monotonic() < end:
        try:
            if workers.get("/readyz?verbose", timeout=1)[1].endswith(wanted):
                return True
        except OSError:
            continue
    return False
