"""``observekit run``: a server that is observed without a line of code, and loses no request when it ends."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from observekit.cli.exits import WRONG_INPUT
from observekit.cli.run.child import start
from observekit.cli.run.signals import Signals
from observekit.cli.run.supervisor import Supervisor, Times
from observekit.cli.run.systemd import Systemd
from observekit.cli.run.telling import Telling, write
from observekit.config.env import examine, load
from observekit.errors import ObservekitError
from observekit.health.place import RUN_VARIABLE, Place, make_run

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_PATH: Final = os.path.join(os.path.dirname(__file__), "path")  # noqa: PTH118, PTH120 -- an entry of PYTHONPATH

# What the command line says goes to the command as the variable that it would read itself.
_OPTIONS: Final[Mapping[str, str]] = {
    "ops_port": "OBSERVEKIT_OPS_PORT",
    "drain_delay_seconds": "OBSERVEKIT_DRAIN_DELAY",
    "drain_timeout_seconds": "OBSERVEKIT_DRAIN_TIMEOUT",
}


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "run",
        help="start a server that loses no request when it is stopped",
        usage="observekit run [options] -- COMMAND [ARGUMENT ...]",
        description="Start a command, observed without a line in its code if it is a server of ASGI "
        "applications. On SIGTERM readiness falls at once, it serves on for the delay and then gets the "
        "signal; a second SIGTERM, or SIGINT, hurries. The exit code is that of the command.",
    )
    parser.add_argument("--ops-port", type=int, metavar="PORT", help="as OBSERVEKIT_OPS_PORT")
    parser.add_argument(
        "--drain-delay",
        type=float,
        metavar="SECONDS",
        dest="drain_delay_seconds",
        help="as OBSERVEKIT_DRAIN_DELAY",
    )
    parser.add_argument(
        "--drain-timeout",
        type=float,
        metavar="SECONDS",
        dest="drain_timeout_seconds",
        help="as OBSERVEKIT_DRAIN_TIMEOUT",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Supervise the command until it has ended."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        print("observekit: run needs a command, as in: observekit run -- uvicorn app:app", file=sys.stderr)
        return WRONG_INPUT
    if not hasattr(signal, "sigtimedwait"):
        raise ObservekitError("observekit run needs a system that has sigtimedwait(2), as Linux does.")
    given = {name: value for name in _OPTIONS if (value := getattr(options, name)) is not None}
    load({}, **given)  # A wrong option is an error; a wrong variable is reported by the service.
    config = examine(os.environ, **given).config
    place = _place(command)
    environ = _environ({_OPTIONS[name]: str(value) for name, value in given.items()}, place)
    times = Times(config.drain_delay_seconds, config.drain_timeout_seconds, config.shutdown_budget_seconds)
    telling = Telling(place, config)
    signals = Signals()
    try:
        child = start(command, environ, signals)
        return Supervisor(child, signals, telling, times, Systemd(os.environ, telling)).run()
    finally:
        if place is not None:
            place.remove()


def _place(command: list[str]) -> Place | None:
    """Make the place where the processes of the service are found; without one they cannot be told."""
    try:
        return make_run(os.environ)
    except OSError as error:
        write(f"observekit: {command[0]} runs, but cannot be told that it drains: {error}.")
        return None


def _environ(given: Mapping[str, str], place: Place | None) -> dict[str, str]:
    environ = {**os.environ, **given}
    environ.pop(RUN_VARIABLE, None)  # Of a supervisor that has started this one.
    environ.pop("NOTIFY_SOCKET", None)  # systemd is told by us, who know when the service drains.
    if place is not None:
        environ[RUN_VARIABLE] = str(place.path)
    path = environ.get("PYTHONPATH")
    environ["PYTHONPATH"] = os.pathsep.join([_PATH, path] if path else [_PATH])
    return environ
