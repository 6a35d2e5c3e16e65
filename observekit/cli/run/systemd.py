"""systemd's notifications: started, stopping, and alive; nothing where systemd did not ask for them."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Final

from observekit.cli.run.telling import Telling

_ASK_EVERY_SECONDS: Final = 0.25
# Who was silent once, as one that is held up for a second, is asked again before systemd takes it for dead.
_ASK_AGAIN_SECONDS: Final = 1.0
# A command of which nobody has been heard by then is taken for one that observekit does not know.
# Source: a third of the 90 s that systemd gives a unit to start; servers are heard before they load anything.
_UNHEARD_SECONDS: Final = 30.0


class Systemd:
    """Tells systemd of the service, by the protocol of sd_notify(3)."""

    def __init__(
        self, environ: Mapping[str, str], telling: Telling, clock: Callable[[], float] = monotonic
    ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._telling = telling
        self._clock = clock
        self._ready = self._unheard = self._stopping = False
        self._began = self._clock()
        self._beat_seconds = self._watchdog(environ)
        self._next = self._clock() if self._address else None

    def _watchdog(self, environ: Mapping[str, str]) -> float | None:
        """Return how often systemd wants to hear that the service lives."""
        # Source: sd_watchdog_enabled(3): it may be meant for another process; half the time is recommended.
        if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        microseconds = environ.get("WATCHDOG_USEC", "")
        return int(microseconds) / 2e6 if microseconds.isdecimal() and int(microseconds) else None

    def due(self) -> float | None:
        """Return when turn() has something to do, by the monotonic clock."""
        return self._next

    def turn(self) -> None:
        """Do what is due: say once that the service has started, and again and again that it lives."""
        if self._next is None or self._clock() < self._next:
            return
        if not self._ready:
            self._next = self._clock() + _ASK_EVERY_SECONDS
            if not self._has_started():
                return
            self._ready = True
            self._notify("READY=1")
        if self._beat_seconds is None:
            self._next = None
            return
        self._next = self._clock() + self._beat_seconds
        # Each stage of an end has its limit, and nobody who is silent is to take time from it.
        if self._stopping or self._lives():
            self._notify("WATCHDOG=1")
        else:  # To ask whoever is silent takes a part of the time too.
            self._next = self._clock() + min(_ASK_AGAIN_SECONDS, self._beat_seconds / 4)

    def _lives(self) -> bool:
        heard = self._telling.heard("liveness")
        # Of a command that was never heard the one thing that is known is that it runs.
        return heard == "yes" or (heard == "nobody" and self._unheard)

    def _has_started(self) -> bool:
        heard = self._telling.heard("startup")
        if heard == "nobody" and self._clock() - self._began >= _UNHEARD_SECONDS:
            self._unheard = True
            self._telling.say("observekit.run_unheard", "warning", seconds=_UNHEARD_SECONDS)
        return heard == "yes" or self._unheard

    def stopping(self) -> None:
        """Say that the service ends; it has no heartbeat to show from here on."""
        self._notify("STOPPING=1")
        if self._beat_seconds is None:
            self._next = None
        self._ready = self._stopping = True

    def _notify(self, state: str) -> None:
        """Send *state*; a systemd that does not listen is nothing that a service could help."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)  # noqa: FBT003 -- the one argument it has
            out.connect(address)
            out.sendall(state.encode())
