import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO

import pytest

import observekit

Start = Callable[..., "Demo"]


class Demo:
    """``observekit demo`` as a process, its standard output in a file that is read while it runs."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, errors: Path) -> None:
        self.process = process
        self._output = output
        self._errors = errors

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8")

    @property
    def errors(self) -> str:
        return self._errors.read_text("utf-8")

    def children(self) -> dict[str, int]:
        """Return the pids of its services by name."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        found: dict[str, int] = {}
        for pid in " ".join(map(_read, tasks)).split():
            words = _read(Path(f"/proc/{pid}/cmdline")).split("\0")
            # Before exec() it is a copy of its parent.
            found |= {word[5:-4]: int(pid) for word in words if word.startswith("shop.")}
        return found

    def all_children(self) -> dict[str, int]:
        """Wait until the three are started."""
        found: dict[str, int] = {}

        def complete() -> bool:
            # A process that is about to become another has no name for a moment.
            found.update(self.children())
            return len(found) == 3

        wait_until(complete, self)
        return found

    def says(self, text: str) -> None:
        wait_until(lambda: text in self.output, self)


def _read(file: Path) -> str:
    """Return what a file of the kernel says; nothing where its thread or process has ended meanwhile."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until(done: Callable[[], bool], demo: Demo, seconds: float = 40) -> None:
    deadline = monotonic() + seconds
    while not done():
        assert monotonic() < deadline, f"nothing came: {demo.output}{demo.errors}"
        with suppress(subprocess.TimeoutExpired):
            demo.process.wait(0.02)
            raise AssertionError(f"ended early: {demo.output}{demo.errors}")


def _ends(pid: int, seconds: float = 40) -> bool:
    """Wait until a process that is no child of this one has ended; say whether it has."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session")
def ends() -> Callable[[int], bool]:
    """Whether a process ends, which is waited for."""
    return _ends


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="session")
def gone() -> Callable[[int], bool]:
    """Whether there is no process of that id."""
    return _gone


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """An environment without what happens to be set around the tests."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    home = {"PYTHONPATH": str(Path(observekit.__file__).parents[1]), "PATH": os.environ["PATH"]}
    return {**kept, **home, "PYTHONUTF8": "1"}


@pytest.fixture(scope="module")
def start(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start demos; whatever a test leaves of them is ended by pid."""
    started: list[Demo] = []

    def begin(*arguments: str, stdout: IO[bytes] | int | None = None, **environ: str) -> Demo:
        directory = tmp_path_factory.mktemp("demo")
        output, errors = directory / "output", directory / "errors"
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "observekit.cli", "demo", *arguments],
                env=environment | environ,
                stdin=subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=err,
            )
        started.append(Demo(process, output, errors))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(30)
