"""Processes that measure in turn: how prometheus-client keeps its values is decided when it is imported."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

OURS, CELLS, SINGLE, MULTI = "ours", "cells", "single", "multi"
"""observekit with a user's prometheus-client metrics, with its own cells; prometheus-client's two modes."""

Answers = dict[str, Callable[[], object]]


class Child:
    """A process that runs ``module VARIANT ARGUMENTS`` and answers what it is asked."""

    def __init__(self, module: str, variant: str, directory: Path, *arguments: object) -> None:
        directory.mkdir(exist_ok=True)  # The next start finds what the one before has left.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OBSERVEKIT_")
        }
        if variant == MULTI:
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, variant, str(directory), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, what: str) -> Any:
        """Return what it answers."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a child without pipes")
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}.")
        return json.loads(line)

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()


@contextmanager
def children(module: str, variants: tuple[str, ...], *arguments: object) -> Iterator[dict[str, Child]]:
    """Start one child for each variant, each with a directory of its own."""
    with TemporaryDirectory(dir=_in_memory()) as home:
        started = {one: Child(module, one, Path(home, one), *arguments) for one in variants}
        try:
            yield started
        finally:
            for child in started.values():
                child.end()


def serve(answers: Answers) -> None:
    """Answer whatever is asked over standard input, until that ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answers[line.strip()]()) + "\n")
        sys.stdout.flush()


def _in_memory() -> str | None:
    # Both keep their files where memory is, so that no disk is measured.
    shared = Path("/dev/shm")  # noqa: S108 -- a directory of our own is made in it
    return str(shared) if shared.is_dir() else None
