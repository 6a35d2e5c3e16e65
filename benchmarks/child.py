"""A measurement in a process of its own, so that none runs in what another has left behind."""

import json
import subprocess
import sys

Measured = dict[str, list[float]]
"""What was measured, by name: a value for each round."""


def ask(module: str, *arguments: object) -> Measured:
    """Run *module* with standard output on the null device; return what it tells on standard error."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    lines = done.stderr.splitlines()
    if done.returncode or not lines:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{done.stderr}")
    measured: Measured = json.loads(lines[-1])
    return measured


def tell(measured: Measured) -> None:
    """Answer whoever asked."""
    print(json.dumps(measured), file=sys.stderr, flush=True)
