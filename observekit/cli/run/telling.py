"""What the supervisor says: to the processes of the service, and to whoever reads its standard error."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

from observekit.cli.found import DRAIN, Peer
from observekit.cli.serving import serving_of
from observekit.config import Config
from observekit.health.asking import Reply, ask
from observekit.health.place import Flag, Place

# Processes answer within a millisecond, unless they are stuck; those that are have no part in a drain.
_ANSWER_SECONDS: Final = 1.0


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

    def all_say_yes(self, path: str | None) -> bool:
        """Tell whether there are processes that serve, and all of them answer 200 at *path*."""
        if path is None or self._place is None:
            return False
        peers = [Peer(path, reply.said) for path, reply in self._ask("GET", DRAIN, _ANSWER_SECONDS).items()]
        serving = [peer.at for peer in serving_of(peers) if isinstance(peer.at, Path)]
        replies, _ = ask(serving, "GET", path, _ANSWER_SECONDS)
        return bool(serving) and all(path in replies and replies[path].status == 200 for path in serving)  # noqa: PLR2004

    @property
    def startup_path(self) -> str | None:
        """Where the service is asked whether it has started."""
        return self._config.startup_path if self._config.health else None

    @property
    def liveness_path(self) -> str | None:
        """Where the service is asked whether it lives."""
        return self._config.liveness_path if self._config.health else None

    def say(self, event: str, level: str, **fields: Any) -> None:
        """Write an event to standard error, in the shape of the service's own or for people on a terminal."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if sys.stderr.isatty():
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
        print(line, file=sys.stderr, flush=True)

    def _ask(self, method: str, target: str, seconds: float) -> dict[Path, Reply]:
        return {} if self._place is None else ask(self._place.sockets(), method, target, seconds)[0]
