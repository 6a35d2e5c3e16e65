"""A group of workers in a directory of its own, and its end."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from observekit.metrics.workers.group import Group

from .crew import Worker, in_memory


class Crew:
    """The workers of one test, and one more that the test is itself."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.workers: list[Worker] = []
        self.failures: list[BaseException] = []

    def worker(self, prepare: Callable[[], object] = lambda: None, *, join: bool = True) -> Worker:
        """Return a new worker of the group."""
        worker = Worker(self.directory, prepare)
        self.workers.append(worker)
        if join:
            worker.tell("join")
        return worker

    def watcher(self) -> Group:
        """Return a group for the test itself, which has not joined: it only looks."""
        return Group(self.directory, self.failures.append)

    def files(self) -> list[str]:
        """Return the names of all files."""
        return sorted(path.name for path in self.directory.iterdir())

    def file(self, worker: Worker, suffix: str = "values") -> Path:
        """Return the file of a worker."""
        (path,) = self.directory.glob(f"*-{worker.pid}-*.{suffix}")
        return path

    def end(self) -> None:
        """Kill whoever is left."""
        for worker in self.workers:
            worker.kill()


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a directory that goes with the test."""
    path = Path(in_memory()) / f"observekit-test-{secrets.token_hex(8)}"
    path.mkdir(0o700)
    yield path
    with suppress(OSError):
        path.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def crew(home: Path) -> Iterator[Crew]:
    """Return an empty group."""
    crew = Crew(home / "group")
    yield crew
    crew.end()


@pytest.fixture
def group(crew: Crew) -> Iterator[Group]:
    """Return the group of this process, which has joined it."""
    group = crew.watcher()
    group.join()
    yield group
    group.leave()
