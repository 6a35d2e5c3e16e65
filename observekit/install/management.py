"""Being managed from outside: draining, with all siblings, on request of a command or of the supervisor."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

from observekit.asgi import ASGIApp, Scope
from observekit.guard import Guard, around_forks, in_forked_child
from observekit.health.asking import Reply, ask
from observekit.health.endpoints import is_local
from observekit.health.place import Place, of_this_process
from observekit.install.kit import Kit
from observekit.install.levels import LevelKeeper
from observekit.install.report import ends_at_sigterm, summed
from observekit.install.voice import Voice
from observekit.ops.access import EVERYBODY, Access
from observekit.ops.levels import levels
from observekit.ops.management import DRAIN_PATH, Actions, Words, management
from observekit.ops.server import OpsServer

# Siblings answer within a millisecond, unless they are stuck.
_SIBLINGS_SECONDS: Final = 1.0
# Who asks for a report waits for 2 s, and may have had siblings told before.
_REPORT_SECONDS: Final = 0.5
_LONGEST_CAUSE: Final = 200


class Management:
    """What a process does for those who manage it, and the socket on which they find it."""

    def __init__(self, kit: Kit, voice: Voice, guard: Guard) -> None:
        self._kit = kit
        self._under_way = kit.under_way
        self._voice = voice
        self._guard = guard
        self._make: Callable[[], dict[str, ASGIApp]] | None = None
        self._served: dict[str, ASGIApp] = {}
        self._server: OpsServer | None = None
        self._place: Place | None = None
        self._since: float | None = None
        self._socket: tuple[int, Path] | None = None
        actions = Actions(self._report, self._drain, self._resume, self._flush)
        token = kit.config.metrics_token
        knows = Access(token, EVERYBODY).knows
        # One worker has the port, and is asked about the service; a socket is that of one process.
        of_all = actions._replace(report=self._report_of_all)
        self.endpoints = management(of_all, is_local if token is None else knows, guard)
        self._unguarded = management(actions, _everybody, guard)
        self._forked()
        in_forked_child(self._forked)
        around_forks(self)
        self._levels = LevelKeeper(kit, self.siblings, _on_thread)
        self.endpoints.update(levels(self._levels.actions, is_local if token is None else knows, guard))
        self._unguarded.update(levels(self._levels.actions, _everybody, guard))

    def _forked(self) -> None:
        self._has_children = False

    def before_fork(self) -> None:
        """Do nothing: a child opens a socket of its own when it serves."""

    def after_fork(self) -> None:
        """Note that there may be children who serve."""
        self._has_children = True

    @property
    def is_apart(self) -> bool:
        """Whether this process has only started others, as a server that loads the application first."""
        return self._has_children and not self._kit.lifecycle.has_begun

    def open(self, make: Callable[[], dict[str, ASGIApp]]) -> None:
        """Have the socket, where somebody would look for it; *make* returns what else it answers."""
        self._make = make
        self._kit.at_end("ops", _nothing, self._close)
        self._kit.join = self.join
        self.join()

    def join(self) -> None:
        """Open the socket of this process, once; a forked child has none of its parent's."""
        if self._make is None or (self._socket is not None and self._socket[0] == os.getpid()):
            return
        try:
            place = of_this_process(os.environ, alone=self._kit.config.management)
            if place is None:
                self._make = None  # Nor will it be another time.
                return
            listener, path = place.listen()
            self._socket = os.getpid(), path
            self._place = place
            if not self._served:
                self._served = self._make()
                self._served.update(self._unguarded)
            self._server = OpsServer(self._served, self._guard, "management")
            self._server.serve(listener, on_loopback=False)
        except (OSError, RuntimeError) as error:
            self._make = None
            self._voice.management_unavailable(error)
            return
        self._levels.catch_up()
        flag = place.flag()
        if flag is not None:  # The service was draining before this worker came.
            self._since = flag.since
            self._kit.lifecycle.drain(flag.cause, final=flag.final)

    def siblings(self) -> list[Path]:
        """Return the sockets of the other processes of the service."""
        if self._place is None or self._socket is None:
            return []
        return [path for path in self._place.sockets() if path != self._socket[1]]

    def _close(self, budget_seconds: float) -> None:
        server, self._server = self._server, None
        self._make = None
        if server is not None:
            server.stop(budget_seconds)
        if self._socket is not None and self._socket[0] == os.getpid():
            with suppress(OSError):
                self._socket[1].unlink(missing_ok=True)
                if self._place is not None and not self._place.sockets():
                    self._leave(self._place)

    def _leave(self, place: Place) -> None:
        """Remove the place that nobody else is in, unless somebody else has made it."""
        if place.path.name.startswith("of-"):
            place.remove()

    async def _report_of_all(self) -> dict[str, Any]:
        """Return the report with what is in flight in all workers, and who of them says nothing."""
        report = await self._report()
        siblings = self.siblings()
        if not siblings:
            return report
        heard: dict[Path, Reply] = {}
        await _on_thread(lambda: heard.update(ask(siblings, "GET", DRAIN_PATH, _REPORT_SECONDS)[0]))
        return summed(report, heard, [one for one in siblings if one.exists()])

    async def _report(self) -> dict[str, Any]:
        return {
            "service": self._kit.config.service_name,
            "pid": os.getpid(),
            "parent": os.getppid(),
            "state": self._kit.lifecycle.state,
            "draining_seconds": None if self._since is None else monotonic() - self._since,
            "in_flight": len(self._under_way.open),
            "routes": self._under_way.routes(),
            "delay_seconds": self._kit.config.drain_delay_seconds,
            "timeout_seconds": self._kit.config.drain_timeout_seconds,
            "ends_at_sigterm": ends_at_sigterm(),
        }

    async def _drain(self, words: Words) -> None:
        cause, final = _cause(words), "final" in words
        self._since = monotonic() if self._since is None else self._since
        self._kit.lifecycle.drain(cause, final=final)
        if "alone" not in words:
            query = f"?alone&cause={quote(cause)}" + ("&final" if final else "")
            flagged = partial(Place.raise_flag, cause=cause, final=final)
            await _on_thread(lambda: self._tell("POST", query, flagged))

    async def _resume(self, words: Words) -> bool:
        resumed = self._kit.lifecycle.resume(_cause(words))
        if resumed:
            self._since = None
        if resumed and "alone" not in words:
            await _on_thread(lambda: self._tell("DELETE", "?alone", Place.lower_flag))
        return resumed

    async def _flush(self, _: Words) -> None:
        """Say what is still in flight, and send what waits: a kill is next."""
        if self._under_way.open:
            self._voice.drain_incomplete(len(self._under_way.open), self._under_way.routes())
        await self._kit.flush()

    def _tell(self, method: str, query: str, flagged: Callable[[Place], object]) -> None:
        """Pass on to the siblings what was asked of this process, and to those that will come."""
        if self._place is None or self._socket is None:
            return
        with suppress(OSError):  # The flag is root's, who has started us.
            flagged(self._place)
        ask(self.siblings(), method, DRAIN_PATH + query, _SIBLINGS_SECONDS)


def _cause(words: Words) -> str:
    return words.get("cause", "")[:_LONGEST_CAUSE] or "asked to from outside"


def _everybody(_: Scope) -> bool:
    """Let in whoever can open the socket: its directory is ours alone."""
    return True


def _nothing(_: float) -> None:
    """Do nothing: an answer is not telemetry that could be lost."""


async def _on_thread(work: Callable[[], None]) -> None:
    """Do *work* beside the loop; on no executor, whose threads the end of the process would wait for."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # The loop has not waited.
                loop.call_soon_threadsafe(done.set)

    try:
        Thread(target=run, name="observekit-siblings", daemon=True).start()
    except RuntimeError:  # No more threads: the loop waits, for as long as siblings are waited for.
        work()
        return
    await done.wait()
