"""Processes that have children without any server for it: the page of each is that of all."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers_workers.page import Page
from tests.servers_workers.servers import IS_LONG
from tests.servers_workers.service import OPEN_METRICS, asked, environment
from tests.waiting import DEADLINE_SECONDS, until

pytestmark = pytest.mark.once

KINDS = ("fork", "forkserver", "spawn", "os.fork")
CHILDREN = 3


class Loop:
    """A parent that runs, and what it says."""

    def __init__(self, directory: Path, kind: str, when: str) -> None:
        self.errors = Path(directory, "errors")
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers_workers.apps.loop", kind, when],
                cwd=directory,
                env=environment(directory),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        told = self.heard()
        self.port: int | None = told["port"]
        self.ports: dict[int, int | None] = {int(pid): port for pid, port in told["ports"].items()}

    def heard(self) -> Any:
        """Return what it says next."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            told = json.loads(line)
            if "event" not in told:  # A line of observekit's own log.
                return told
        raise AssertionError(self.errors.read_text())

    def order(self, order: str) -> set[int]:
        """Have the children do something, and return who is left."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return set(self.heard()["left"])

    def kill_one(self) -> None:
        """Kill a child."""
        victim = min(self.ports)
        os.kill(victim, signal.SIGKILL)
        del self.ports[victim]

    def wait_for(self, condition: Callable[[Page], bool]) -> None:
        """Wait until each page there is meets *condition*."""
        ports = [port for port in (self.port, *self.ports.values()) if port]
        pages: list[Page] = []

        def all_do() -> bool:
            pages[:] = [Page(asked(port, "/metrics", OPEN_METRICS).text) for port in ports]
            return all(map(condition, pages))

        assert ports
        until(all_do, lambda: "\n--\n".join(page.text for page in pages) + self.errors.read_text())

    def stop(self) -> None:
        """End all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=DEADLINE_SECONDS)


Start = Callable[[str, str], Loop]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Loop] = []

    def start(kind: str, when: str) -> Loop:
        started.append(Loop(tmp_path, kind, when))
        return started[-1]

    yield start
    for loop in started:
        loop.stop()


def says(acts: float, alive: float) -> Callable[[Page], bool]:
    return lambda page: (page.total("loop_acts_total"), page.total("loop_alive")) == (acts, alive)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_parent_is_that_of_all_its_children_that_ever_were(start: Start, kind: str) -> None:
    loop = start(kind, "before")

    loop.order("act")
    loop.wait_for(says(5 + 30, 4))
    loop.kill_one()
    loop.wait_for(says(5 + 30, 3))
    loop.order("act")
    loop.wait_for(says(5 + 50, 3))
    assert loop.order("exit") == set()
    loop.ports.clear()

    loop.wait_for(says(5 + 50, 1))


@pytest.mark.parametrize("kind", KINDS if IS_LONG else ("spawn", "os.fork"))
def test_children_of_a_parent_that_knows_nothing_show_the_sum_of_them_all(start: Start, kind: str) -> None:
    loop = start(kind, "never")

    loop.order("act")
    loop.wait_for(says(30, 3))
    loop.kill_one()

    loop.wait_for(says(30, 2))
