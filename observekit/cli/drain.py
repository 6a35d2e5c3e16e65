"""``observekit drain``: let a service take no more traffic, and wait until nobody is left in it."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from observekit.cli.exits import ANSWER_IS_NO, CANNOT_TELL, FINE, REMOTE_FAILED
from observekit.cli.found import ANSWER_SECONDS, DRAIN, Found, add_arguments
from observekit.health.asking import Reply

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_CAUSE: Final = "observekit drain"
_ASK_EVERY_SECONDS: Final = 0.1
_DONE: Final = 200
_REFUSED: Final = 409


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "drain",
        help="have a service take no more traffic, for a preStop hook",
        description="Make readiness fail in all processes of a service; return when the delay is over and "
        "nothing is in flight, or when time is up. Who asks again waits for the same end. Exit code 1 if "
        "requests were still in flight, 3 if no process was found, 4 if one did not answer.",
    )
    add_arguments(parser)
    parser.add_argument("--delay", type=float, metavar="SECONDS", help="that of the service unless given")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="that of the service unless given",
    )
    parser.add_argument("--no-wait", action="store_true", help="return when all processes know")
    parser.add_argument("--undo", action="store_true", help="take a drain back; not once a signal came")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Drain, or take it back."""
    found = Found(options)
    if not found.peers:
        print(
            "observekit: no process was found that could drain; see observekit drain --help", file=sys.stderr
        )
        return REMOTE_FAILED if found.silent else CANNOT_TELL
    return _undo(found) if options.undo else _drain(found, options)


def _undo(found: Found) -> int:
    replies = found.say("DELETE", f"{DRAIN}?cause={quote(_CAUSE)}", ANSWER_SECONDS)
    if any(reply.status == _REFUSED for reply in replies.values()):
        print("observekit: the service is about to end; there is no way back", file=sys.stderr)
        return ANSWER_IS_NO
    for place in found.places:
        with suppress(OSError):
            place.lower_flag()
    return FINE if len(replies) == len(found.peers) else REMOTE_FAILED


def _drain(found: Found, options: argparse.Namespace) -> int:
    for place in found.places:
        with suppress(OSError):  # It is root's; those who are there are told all the same.
            place.raise_flag(_CAUSE)
    alone = "&alone" if found.places else ""
    told = found.say("POST", f"{DRAIN}?cause={quote(_CAUSE)}{alone}", ANSWER_SECONDS)
    if options.no_wait:
        return FINE if all(reply.status == _DONE for reply in told.values()) else REMOTE_FAILED
    said = [reply.said for reply in told.values()]
    since = monotonic() - max((_number(one, "draining_seconds") for one in said), default=0.0)
    delay = _longest(options.delay, said, "delay_seconds")
    timeout = _longest(options.timeout, said, "timeout_seconds")
    return _wait(found, since + delay, since + delay + timeout)


def _wait(found: Found, earliest: float, latest: float) -> int:
    """Wait until nothing is in flight, but not before *earliest*, when nobody will send anything any more."""
    while True:
        replies = found.say("GET", DRAIN, ANSWER_SECONDS)
        silent = len(found.peers) - len(replies) - len(found.gone())
        in_flight = sum(int(_number(reply.said, "in_flight")) for reply in replies.values())
        now = monotonic()
        if now >= earliest and not in_flight and not silent:
            return FINE
        if now >= latest:
            return _incomplete(replies.values(), in_flight, silent)
        sleep(min(_ASK_EVERY_SECONDS, max(0.0, (earliest if now < earliest else latest) - now)))


def _incomplete(replies: Iterable[Reply], in_flight: int, silent: int) -> int:
    routes: Counter[str] = Counter()
    for reply in replies:
        routes.update(reply.said.get("routes", {}))
    told = ", ".join(f"{count} {route}" for route, count in routes.most_common())
    if in_flight:
        print(f"observekit: time is up with {in_flight} in flight: {told}", file=sys.stderr)
        return ANSWER_IS_NO
    print(f"observekit: time is up, and {silent} processes do not answer", file=sys.stderr)
    return REMOTE_FAILED


def _longest(given: float | None, said: list[Any], name: str) -> float:
    return given if given is not None else max((_number(one, name) for one in said), default=0.0)


def _number(said: Any, name: str) -> float:
    value = said.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
