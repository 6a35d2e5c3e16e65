"""``observekit probe``: ask a service how it is, for a probe that runs a command."""

import argparse
import json
import os
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from observekit.cli.exits import ANSWER_IS_NO, CANNOT_TELL, FINE, REMOTE_FAILED
from observekit.cli.found import ANSWER_SECONDS, Found, add_arguments
from observekit.cli.serving import serving_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_SETTINGS: Final = {"ready": "readiness_path", "live": "liveness_path", "startup": "startup_path"}
_OK: Final = 200
# A process that was too busy to write twice is still there; three times is too long.
_MISSED: Final = 3


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "probe",
        help="ask a service how it is, for an exec probe or a HEALTHCHECK",
        description="Ask all processes of a service, or read the file of one. Exit code 0 if all say "
        "yes, 1 if one says no, 3 if nobody was found, 4 if one did not answer.",
    )
    parser.add_argument("question", choices=tuple(_SETTINGS), help="what to ask")
    add_arguments(parser)
    parser.add_argument(
        "--file",
        type=Path,
        metavar="PATH",
        help="read what the service writes, and ask nobody",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Answer by the exit code, and say what was heard."""
    file = options.file or _file(options)
    if file is not None:
        return _read(file, options.question)
    found = Found(options)
    path = getattr(found.config, _SETTINGS[options.question])
    if not found.peers or path is None:
        print("observekit: nobody was found to ask; see observekit probe --help", file=sys.stderr)
        return REMOTE_FAILED if found.unsure else CANNOT_TELL
    found.peers = serving_of(found.peers)
    replies = found.say("GET", f"{path}?verbose", ANSWER_SECONDS)
    for reply in replies.values():
        print(reply.text, end="")
    if any(reply.status != _OK for reply in replies.values()):
        return ANSWER_IS_NO
    silent = found.silent(replies)
    if silent or not replies:
        print(f"observekit: {silent} processes do not answer", file=sys.stderr)
        return REMOTE_FAILED
    return FINE


def _file(options: argparse.Namespace) -> Path | None:
    """Return the file of the environment, where nothing else says who is to be asked."""
    named = (options.ops_port, options.service, options.pid, os.environ.get("OBSERVEKIT_OPS_PORT"))
    file = os.environ.get("OBSERVEKIT_HEARTBEAT_FILE", "").strip()
    return Path(file) if file and not any(one is not None for one in named) else None


def _read(file: Path, question: str) -> int:
    try:
        said = json.loads(file.read_bytes())
        age, period = monotonic() - float(said["at"]), float(said["every_seconds"])
        word = str(said[question])
    except (OSError, ValueError, TypeError, KeyError) as error:
        print(f"observekit: {file} says nothing: {type(error).__name__}: {error}", file=sys.stderr)
        return CANNOT_TELL
    # By the clock of the machine, which begins anew with it: the file may be of the time before.
    if not 0 <= age <= _MISSED * period:
        print(f"observekit: {file} is {age:.0f} s old", file=sys.stderr)
        return ANSWER_IS_NO
    print(word)
    return FINE if word == "ok" else ANSWER_IS_NO
