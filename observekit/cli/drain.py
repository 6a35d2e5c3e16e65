"""``observekit drain``: let a service take no more traffic, and wait until nobody is left in it."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from observekit.cli.exits import ANSWER_IS_NO, CANNOT_TELL, FINE, REMOTE_FAILED
from observekit.cli.found import ANSWER_SECONDS, DRAIN, Found, add_arguments, is_report
from observekit.health.asking import Reply

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- has no public name

_CAUSE: Final = "observekit drain"
_ASK_EVERY_SECONDS: Final = 0.1
_REFUSED: Final = 409
# Of a process that takes no further traffic.
_LEAVING: Final = frozenset({"draining", "stopped"})

Said = Mapping[str, Any]
Replies = Mapping[Path | int, Reply]


def add(commands: "Commands") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "drain",
        help="have a service take no more traffic, for a preStop hook",
        description="Make readiness fail in all processes of a service; return when the delay is over and "
        "nothing is in flight, or when time is up. Who asks again waits for the same end. Exit code 1 if "
        "requests were still in flight, 3 if nobody was found, 4 if a process did not answer or not drain.",
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


class _Look(NamedTuple):
    """What all of them say at one time; a port speaks for those behind it too."""

    in_flight: int
    silent: int
    untold: list[Path | int]

    @classmethod
    def at(cls, found: Found, replies: Replies) -> "_Look":
        """Read *replies*; what is no report of a process is silence."""
        said = {at: reply.said for at, reply in replies.items() if is_report(reply)}
        return cls(
            sum(int(_number(one, "in_flight")) for one in said.values()),
            found.silent(said) + sum(int(_number(one, "silent")) for one in said.values()),
            [at for at, one in said.items() if not _leaving(one)],
        )


def run(options: argparse.Namespace) -> int:
    """Drain, or take it back."""
    found = Found(options)
    if not found.peers:
        print(
            "observekit: no process was found that could drain; see observekit drain --help", file=sys.stderr
        )
        return REMOTE_FAILED if found.unsure else CANNOT_TELL
    return _undo(found) if options.undo else _drain(found, options)


def _undo(found: Found) -> int:
    replies = found.say("DELETE", f"{DRAIN}?cause={quote(_CAUSE)}", ANSWER_SECONDS)
    if any(reply.status == _REFUSED for reply in replies.values()):
        print("observekit: the service is about to end; there is no way back", file=sys.stderr)
        return ANSWER_IS_NO
    for place in found.places:
        with suppress(OSError):
            place.lower_flag()
    return _told(found, replies)


def _drain(found: Found, options: argparse.Namespace) -> int:
    for place in found.places:
        with suppress(OSError):  # It is root's; those who are there are told all the same.
            place.raise_flag(_CAUSE)
    alone = "&alone" if found.places else ""
    target = f"{DRAIN}?cause={quote(_CAUSE)}{alone}"
    told = found.say("POST", target, ANSWER_SECONDS)
    if options.no_wait:
        return _told(found, told)
    said = [told[peer.at].said if peer.at in told else peer.said for peer in found.peers]
    since = monotonic() - max((_number(one, "draining_seconds") for one in said), default=0.0)
    delay = _longest(options.delay, said, "delay_seconds")
    timeout = _longest(options.timeout, said, "timeout_seconds")
    return _wait(found, target, since + delay, since + delay + timeout)


def _told(found: Found, replies: Replies) -> int:
    """Return whether all of them have done what they were told."""
    silent = found.silent({at for at, reply in replies.items() if is_report(reply)})
    behind = sum(int(_number(reply.said, "silent")) for reply in replies.values())
    if silent or behind:
        print(f"observekit: {silent + behind} processes have not said that they did", file=sys.stderr)
        return REMOTE_FAILED
    return FINE


def _wait(found: Found, target: str, earliest: float, latest: float) -> int:
    """Wait until nothing is in flight, but not before *earliest*, when nobody will send anything any more."""
    while True:
        replies = found.say("GET", DRAIN, ANSWER_SECONDS)
        look = _Look.at(found, replies)
        now = monotonic()
        if now >= earliest and look == _Look(0, 0, []):
            return FINE
        if now >= latest:
            return _incomplete(replies.values(), look)
        if look.untold:  # They did not come to it the first time.
            found.say("POST", target, ANSWER_SECONDS, look.untold)
        sleep(min(_ASK_EVERY_SECONDS, max(0.0, (earliest if now < earliest else latest) - now)))


def _incomplete(replies: Iterable[Reply], look: _Look) -> int:
    routes: Counter[str] = Counter()
    for reply in replies:
        routes.update(reply.said.get("routes", {}))
    told = ", ".join(f"{count} {route}" for route, count in routes.most_common())
    if look.in_flight:
        print(f"observekit: time is up with {look.in_flight} in flight: {told}", file=sys.stderr)
        return ANSWER_IS_NO
    if look.silent:
        print(f"observekit: time is up, and {look.silent} processes do not answer", file=sys.stderr)
    else:
        print(f"observekit: time is up, and {len(look.untold)} processes do not drain", file=sys.stderr)
    return REMOTE_FAILED


def _leaving(said: Said) -> bool:
    """Whether a process takes no further traffic, nor any of those for whom it speaks."""
    states = said.get("workers")
    return {str(said["state"]), *(states if isinstance(states, dict) else ())} <= _LEAVING


def _longest(given: float | None, said: list[Said], name: str) -> float:
    return given if given is not None else max((_number(one, name) for one in said), default=0.0)


def _number(said: Said, name: str) -> float:
    value = said.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
