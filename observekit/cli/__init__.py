"""The command line: one file for each command, the same exit codes everywhere."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from observekit.cli import catalogue, check, dashboards, demo, rules
from observekit.cli.exits import FINE, WRONG_INPUT
from observekit.errors import ObservekitError

_COMMANDS = (demo, check, catalogue, dashboards, rules)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 fine, 1 the answer is no, 2 wrong usage or input, 3 cannot tell, 4 a remote failed.
    """
    parser = argparse.ArgumentParser(
        prog="observekit", description="Metrics, logs, traces, health and boards for Python services."
    )
    parser.add_argument("--version", action="version", version=f"observekit {version('observekit')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except ObservekitError as error:
        print(f"observekit: {error}", file=sys.stderr)
        return WRONG_INPUT
    except BrokenPipeError:
        # Whoever read our output has enough, as in `observekit catalogue | head`.
        sys.stdout = None
        return FINE
    return code
