"""What the supervisor says: to the processes of the service, and to whoever reads its standard error."""

import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from select import PIPE_BUF, select
from time import monotonic
from typing import Any, Final, Literal
from urllib.parse import quote

from observekit.cli.found import DONE, DRAIN, Peer, is_report
from observekit.cli.serving import serving_of
from observekit.config import Config
from observekit.health.asking import Reply, ask
from observekit.health.place import Flag, Place

# Processes answer within a millisecond, unless they are stuck; those that are have no part in a drain.
_ANSWER_SECONDS: Final = 1.0
# Whoever reads standard error has this long to make room for a line.
_ROOM_SECONDS: Final = 0.1

Question = Literal["startup", "liveness"]
Heard = Literal["yes", "no", "nobody"]
# What a process says of its life that is a no, where it serves no probes.
_REFUSALS: Final[dict[Question, frozenset[str]]] = {
    "startup": frozenset({"starting", "broken"}),
    "liveness": frozenset({"broken"}),
}


class Telling:
    """Speaks to all processes of the service; without a place there is nobody to speak to."""

    def __init__(self, place: Place | None, config: Config) -> None:
        self._place = place
        self._config = config

    def drain(self, cause: str) -> float:
        """Have all drain, for good, and return since when they do, by the monotonic clock."""
        if self._place is None:
            return monotonic()
        try:
            flag = self._place.raise_flag(cause, final=True)
        except OSError as error:
            self.say("observekit.run_failed", "error", error=str(error))
            flag = Flag(monotonic(), cause, final=True)
        self._ask("POST", f"{DRAIN}?alone&final&cause={quote(cause)}", _ANSWER_SECONDS)
        return flag.since

    def flush(self, seconds: float) -> None:
        """Have all send what waits, because a kill is next."""
        self._ask("POST", f"{DRAIN}?flush", seconds)

    def flush_who_would_lose(self, seconds: float) -> None:
        """Have those send what waits whom the next SIGTERM ends where they stand."""
        replies = self._ask("GET", DRAIN, _ANSWER_SECONDS)
        deaf = [path for path, reply in replies.items() if reply.said.get("ends_at_sigterm") is True]
        if deaf:
            ask(deaf, "POST", f"{DRAIN}?flush", seconds)

    def heard(self, question: Question) -> Heard:
        """Return what the processes that serve say: yes if all of them do, and nobody is silent."""
        sockets = [] if self._place is None else self._place.sockets()
        replies, silent = ask(sockets, "GET", DRAIN, _ANSWER_SECONDS)
        if silent or not all(map(is_report, replies.values())):
            return "no"
        serving = serving_of([Peer(path, reply.said) for path, reply in replies.items()])
        if not serving:
            return "nobody"
        path = self._path(question)
        if path is None:
            return "no" if any(peer.said["state"] in _REFUSALS[question] for peer in serving) else "yes"
        asked = [peer.at for peer in serving if isinstance(peer.at, Path)]
        answers, silent = ask(asked, "GET", path, _ANSWER_SECONDS)
        said_yes = not silent and bool(answers) and all(one.status == DONE for one in answers.values())
        return "yes" if said_yes else "no"

    def _path(self, question: Question) -> str | None:
        """Return where a process is asked that; nowhere where it serves no such probe."""
        config = self._config
        if not config.health:
            return None
        return config.startup_path if question == "startup" else config.liveness_path

    def say(self, event: str, level: str, **fields: Any) -> None:
        """Write an event to standard error, in the shape of the service's own or for people on a terminal."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if sys.stderr is not None and sys.stderr.isatty():
            told = " ".join(f"{name}={value}" for name, value in fields.items())
            line = f"observekit run: {event} {told}"
        else:
            line = json.dumps(
                {
                    "timestamp": now,
                    "level": level,
                    "event": event,
                    "logger": "observekit.run",
                    "service": self._config.service_name,
                    **fields,
                }
            )
        write(line)

    def _ask(self, method: str, target: str, seconds: float) -> dict[Path, Reply]:
        return {} if self._place is None else ask(self._place.sockets(), method, target, seconds)[0]


def write(line: str) -> None:
    """Write *line* to standard error if somebody takes it: who does not read must not keep a service alive.

    Nothing is written where standard error is closed, its reader is gone, or its pipe is full.
    """
    # What is longer may find room for its beginning alone, and wait with the rest.
    text = f"{line}\n".encode(errors="backslashreplace")
    if len(text) > PIPE_BUF:
        text = text[: PIPE_BUF - 1] + b"\n"
    with suppress(OSError, ValueError, AttributeError):  # The last one: there is no standard error.
        descriptor = sys.stderr.fileno()
        if select([], [descriptor], [], _ROOM_SECONDS)[1]:
            os.write(descriptor, text)
