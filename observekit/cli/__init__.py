"""The command line: one file for each command, the same exit codes everywhere."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from observekit.cli.exits import FINE, REMOTE_FAILED, WRONG_INPUT
from observekit.errors import ObservekitError, RemoteError

_COMMANDS: Final = ("demo", "run", "drain", "probe", "level", "check", "catalogue", "dashboards", "rules")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 fine, 1 the answer is no, 2 wrong usage or input, 3 cannot tell, 4 a remote failed.
    """
    parser = argparse.ArgumentParser(
        prog="observekit", description="Metrics, logs, traces, health and boards for Python services."
    )
    given = sys.argv[1:] if arguments is None else arguments
    named = [name for name in given[:1] if name in _COMMANDS]
    if not named:
        parser.add_argument("--version", action="version", version=f"observekit {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    # A probe comes every few seconds, and needs nothing of the others.
    for name in named or _COMMANDS:
        import_module(f"observekit.cli.{name}").add(commands)
    options = parser.parse_args(given)
    try:
        code: int = options.run(options)
    except RemoteError as error:
        print(f"observekit: {error}", file=sys.stderr)
        return REMOTE_FAILED
    except ObservekitError as error:
        print(f"observekit: {error}", file=sys.stderr)
        return WRONG_INPUT
    except BrokenPipeError:
        # Whoever read our output has enough, as in `observekit catalogue | head`.
        sys.stdout = None
        return FINE
    return code


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 -- takes longer than a probe

    return version("observekit")
