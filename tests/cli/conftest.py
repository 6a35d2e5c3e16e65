import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import observekit

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command() -> Run:
    """Run ``observekit`` as a process of its own, in an environment of its own."""

    def run(
        *arguments: str, module: str = "observekit.cli", **environ: Any
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        home = {"PYTHONPATH": str(Path(observekit.__file__).parents[1])}
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=kept | home | environ,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
