"""``python -m observekit`` is the command."""

import subprocess
from collections.abc import Callable

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_package_is_run_as_the_command_is(command: Run) -> None:
    told = [command("--version", module=module) for module in ("observekit", "observekit.cli")]

    assert [(one.returncode, one.stderr) for one in told] == [(0, "")] * 2
    assert told[0].stdout == told[1].stdout
