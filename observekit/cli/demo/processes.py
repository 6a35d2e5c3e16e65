"""Child processes that end with the block they were started in, whatever happens in it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

# Longer than a service takes: it gives its requests 3 s and its telemetry 5 s.
_PATIENCE_SECONDS: Final = 10.0
# Without what a site or the environment adds: it is there for a moment only.
_LEASH: Final = (sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py")))
_LAST_LINES: Final = 12
_TAIL_BYTES: Final = 4 * 1024 * 1024
_LARGEST_FILE: Final = 64 * 1024 * 1024


class Child(NamedTuple):
    """A process and where its output goes."""

    name: str
    process: asyncio.subprocess.Process
    output: Path
    errors: Path

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.returncode is None

    def last_lines(self) -> Iterator[str]:
        """Yield the end of what it wrote: to standard error if it wrote there, else to standard output."""
        for path in (self.errors, self.output):
            lines = tail(path).splitlines()
            if lines:
                yield from lines[-_LAST_LINES:]
                return


def tail(path: Path) -> str:
    """Return the end of a file that may be large."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")


class Children:
    """The processes of one block; leaving it ends them by SIGTERM, and by SIGKILL whoever does not follow.

    Should this process be killed, the kernel sends them the SIGTERM.
    """

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._ending = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(
        self,
        name: str,
        command: Sequence[str],
        directory: Path,
        *,
        environ: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start *command*, its output in files of *directory* that are named after it."""
        output, errors = directory / f"{name}.jsonl", directory / f"{name}.stderr"
        for path in (output, errors):
            path.write_bytes(b"")
        # Appending, so that a file that is emptied is written from its beginning on.
        with output.open("ab") as out, errors.open("ab") as err:
            process = await asyncio.create_subprocess_exec(
                *_LEASH,
                str(os.getpid()),
                *command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environ,
                pass_fds=pass_fds,
                # A Ctrl-C is for us: children that saw it too would be gone before the last scrape.
                start_new_session=True,
            )
        child = Child(name, process, output, errors)
        self._children.append(child)
        return child

    def trim(self) -> None:
        """Empty files that have grown too large: a demo may be left alone for days."""
        for child in self._children:
            for path in (child.output, child.errors):
                if path.stat().st_size > _LARGEST_FILE:
                    os.truncate(path, 0)

    async def first_end(self) -> Child:
        """Wait until a child ends by itself, and return it."""
        waits = {asyncio.create_task(child.process.wait()): child for child in self._children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return waits[done.pop()]

    async def stop(self) -> None:
        """End all that are alive, and wait for them."""
        alive = [child.process for child in self._children if child.alive]
        for process in alive:
            with suppress(ProcessLookupError):
                process.terminate()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await _all_ended(alive)
        finally:
            # Also where a second Ctrl-C has ended the wait.
            for process in alive:
                if process.returncode is None:
                    process.kill()
            await _all_ended(alive)


async def _all_ended(processes: Sequence[asyncio.subprocess.Process]) -> None:
    for process in processes:
        await process.wait()
