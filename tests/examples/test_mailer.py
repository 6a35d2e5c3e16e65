"""The example of a worker without a web server: its parent serves what all children have counted."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.waiting import until

ROOT = Path(__file__).parents[2]
LONG = 30.0
"""Seconds that nothing here takes."""


class Mailer:
    """The example as it runs."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        usual = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "examples/mailer/worker.py", spool],
            env=usual | {"PYTHONPATH": str(ROOT), "OBSERVEKIT_OPS_PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def children(self) -> list[int]:
        return [
            int(one)
            for one in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def post(self, kind: str, count: int) -> None:
        for number in range(count):
            Path(self.spool, f"{kind}-{monotonic()}-{number}.mail").touch()

    def says(self, name: str) -> float:
        """Return the sum of a metric on the parent's page; -1 while there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        except OSError:
            return -1
        finally:
            connection.close()
        return sum(float(value) for value in re.findall(rf"(?m)^{name}(?:{{.*}})? (.*)$", page))


@pytest.fixture
def mailer(tmp_path: Path) -> Iterator[Mailer]:
    mailer = Mailer(tmp_path)
    yield mailer
    if mailer.process.poll() is None:
        os.killpg(mailer.process.pid, signal.SIGKILL)
    mailer.process.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_the_parent_of_a_worker_without_a_server_serves_what_its_children_have_counted(
    mailer: Mailer,
) -> None:
    mailer.post("welcome", 10)
    mailer.post("invoice", 5)
    until(lambda: mailer.says("mails_sent_total") == 15)

    victim = mailer.children()[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in mailer.children() and len(mailer.children()) == 3)
    mailer.post("welcome", 10)
    until(lambda: mailer.says("mails_sent_total") == 25)
    until(lambda: mailer.says("mailer_busy_children") == 0)

    assert mailer.says("mail_seconds_count") == 25
    mailer.process.terminate()
    assert mailer.process.wait(LONG) == 0
