"""``observekit level``: another level for a logger of a running service, for a time."""

import argparse
import getpass
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from observekit.cli.exits import ANSWER_IS_NO, CANNOT_TELL, FINE, REMOTE_FAILED
from observekit.cli.found import ANSWER_SECONDS, Found, add_arguments
from observekit.config.kinds import LEVELS
from observekit.errors import ConfigError
from observekit.health.asking import Reply

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_PATH: Final = "/levels"
_TIME: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h|)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_DONE: Final = 200
_REFUSED: Final = 400
_NONE: Final = 409


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "level",
        help="give a logger of a running service another level for a time",
        description="Give a logger, and those below it, another level in all processes of a service; when "
        "the time is over, it is what it was. Each change leaves a record, observekit.level_changed. Without "
        "a logger, say what is changed now. Exit code 1 if there was nothing to undo, 3 if no process was "
        "found, 4 if one did not answer.",
    )
    parser.add_argument("logger", nargs="?", help="its name, root for all that have no level of their own")
    parser.add_argument("level", nargs="?", choices=LEVELS)
    parser.add_argument(
        "--for", dest="time", default="15m", metavar="TIME", help="like 90s, 15m or 2h; 15m unless given"
    )
    parser.add_argument("--undo", action="store_true", help="take the change back now")
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Change a level, take it back, or say what is changed."""
    if (options.logger is None) != (options.level is None and not options.undo):
        raise ConfigError(
            "a level needs a logger, and a logger a level or --undo; see observekit level --help."
        )
    seconds = _seconds(options.time)
    found = Found(options)
    if not found.peers:
        print("observekit: no process was found; see observekit level --help", file=sys.stderr)
        return REMOTE_FAILED if found.unsure else CANNOT_TELL
    if options.logger is None:
        return _show(found)
    words = {"logger": options.logger, "cause": f"observekit level, {_who()}"}
    if not options.undo:
        words |= {"level": options.level, "seconds": f"{seconds:g}"}
    if found.places:  # All of them are told from here.
        words["alone"] = ""
    replies = found.say("DELETE" if options.undo else "POST", f"{_PATH}?{urlencode(words)}", ANSWER_SECONDS)
    return _told(found, replies, options)


def _told(found: Found, replies: dict[Path | int, Reply], options: argparse.Namespace) -> int:
    for reply in replies.values():
        if reply.status == _REFUSED:
            raise ConfigError(f"{reply.said.get('problem', 'the service refused it')}.")
    reached = _reached(list(replies.values()))
    done = "is what it was" if options.undo else f"is {options.level} for {options.time}"
    if reached:
        print(f"{options.logger} {done} in {len(reached)} processes: {', '.join(map(str, reached))}")
    taken = {at: reply for at, reply in replies.items() if reply.status in {_DONE, _NONE}}
    if found.silent(taken) or any(reply.said.get("silent") for reply in replies.values()):
        print("observekit: not all processes have taken it", file=sys.stderr)
        return REMOTE_FAILED
    if not reached:
        print(f"observekit: {options.logger} was not changed", file=sys.stderr)
        return ANSWER_IS_NO
    return FINE


def _show(found: Found) -> int:
    replies = found.say("GET", _PATH, ANSWER_SECONDS)
    for reply in replies.values():
        for one in reply.said.get("levels", []):
            left = f"{one['seconds_left']:.0f} s left"
            print(f"{reply.said['pid']:>8}  {one['logger']:40}  {one['level']:8}  {left}")
    return REMOTE_FAILED if found.silent(replies) else FINE


def _reached(replies: list[Reply]) -> list[int]:
    told = [reply.said for reply in replies if reply.status == _DONE]
    return sorted({pid for said in told for pid in said.get("reached", []) if isinstance(pid, int)})


def _seconds(text: str) -> float:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"--for is {text!r}, but must be a time like 90s, 15m or 2h.")
    return float(found[1]) * _UNITS[found[2]]


def _who() -> str:
    """Return who asks, for the record of it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container whose user has no name.
        return "somebody without a name"
