"""What the other workers of a service say of themselves, so that one of them can answer for all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, NamedTuple

from observekit.guard import in_forked_child
from observekit.health.asking import ask
from observekit.health.looker import Looker
from observekit.health.state import Verdict

Policy = Literal["own", "any", "all", "quorum"]
Sockets = Callable[[], list[Path]]
Failed = Callable[[Exception], None]

# Source: a drain is to reach all workers within 200 ms; a probe comes every few seconds.
_LOOK_SECONDS: Final = 0.2
# Who does not answer within this is not well. Source: half of what the kubelet waits.
_PATIENCE_SECONDS: Final = 0.5
# Whether they live is nothing that changes as fast. Source: as often as a worker calls its own loop.
_LIFE_SECONDS: Final = 1.0
APART: Final = 404
"""What a process says of its readiness that only starts the others: it is none of those that serve."""

_OK: Final = 200
_NO: Final = 503


class _Seen(NamedTuple):
    """How many others there are, and how many of them are as they should be."""

    well: int
    others: int


class Siblings:
    """The readiness of all workers, by a policy.

    Args:
        policy: When the service is ready: when ``any`` worker is, ``all`` are, or more than half of them.
        target: Where a worker answers for itself.
        sockets: Returns where the others listen; nothing where there are none.
        failed: Told what goes wrong.
        is_apart: Whether this process only starts the others.
    """

    __slots__ = ("__weakref__", "_is_apart", "_looker", "_policy", "_seen", "_sockets", "_target", "stop")

    def __init__(
        self,
        policy: Policy,
        target: str,
        sockets: Sockets,
        failed: Failed,
        is_apart: Callable[[], bool] = lambda: False,
    ) -> None:
        self._policy = policy
        self._is_apart = is_apart
        self._target = target
        self._sockets = sockets
        self._looker = Looker(self._look, _LOOK_SECONDS, failed)
        self.stop = self._looker.stop
        self._forget()
        in_forked_child(self._forget)

    def _forget(self) -> None:
        self._seen: _Seen | None = None

    def verdict(self, own: Verdict) -> Verdict:
        """Return what the service says, of which this worker says *own*."""
        self._looker.begin()
        seen = self._seen
        if seen is None or seen.others == 0:
            return own
        ready, workers = seen.well, seen.others
        if not self._is_apart():
            ready, workers = ready + own.is_ok, workers + 1
        note = f"{ready} of {workers} workers are ready"
        if self._is_enough(ready, workers):
            return replace(own, word="ok", note=note)
        return replace(own, word="failed" if own.is_ok else own.word, note=note)

    def _is_enough(self, ready: int, workers: int) -> bool:
        if self._policy == "quorum":
            return 2 * ready > workers
        return ready == workers if self._policy == "all" else ready > 0

    def _look(self) -> None:
        replies, silent = ask(self._sockets(), "GET", self._target, _PATIENCE_SECONDS)
        said = [reply.status for reply in replies.values() if reply.status != APART]
        self._seen = _Seen(said.count(_OK), len(said) + len(silent))


class Lives:
    """Whether all workers live, for the one that has the ops port.

    A worker that says no does so after a threshold of its own. One that says nothing, as one that is held
    still or that never lets go of the interpreter, is given as many looks as that threshold has seconds:
    where there is no CPU time there are no looks either.

    Args:
        target: Where a worker answers for itself.
        sockets: Returns where the others listen; nothing where there are none.
        limit_seconds: Silence after which a worker does not live; 0 where that is held against nobody.
        failed: Told what goes wrong.
    """

    __slots__ = ("__weakref__", "_limit", "_looker", "_rows", "_seen", "_sockets", "_target", "stop")

    def __init__(self, target: str, sockets: Sockets, limit_seconds: float, failed: Failed) -> None:
        self._target = target
        self._sockets = sockets
        self._limit = limit_seconds
        self._looker = Looker(self._look, _LIFE_SECONDS, failed)
        self.stop = self._looker.stop
        self._forget()
        in_forked_child(self._forget)

    def _forget(self) -> None:
        self._rows: dict[Path, int] = {}
        self._seen = _Seen(0, 0)

    def verdict(self, own: Verdict) -> Verdict:
        """Return what the service says, of which this worker says *own*."""
        if self._sockets():  # A process alone needs no thread to look at nobody.
            self._looker.begin()
        seen = self._seen
        if seen.well == seen.others:
            return own
        note = f"{seen.well + own.is_ok} of {seen.others + 1} workers live"
        return replace(own, word="failed" if own.is_ok else own.word, note=note)

    def _look(self) -> None:
        replies, silent = ask(self._sockets(), "GET", self._target, _PATIENCE_SECONDS)
        silent += [path for path, reply in replies.items() if reply.status not in {_OK, _NO}]
        self._rows = {path: self._rows.get(path, 0) + 1 for path in silent}
        dead = sum(reply.status == _NO for reply in replies.values())
        if self._limit > 0:
            dead += sum(row * _LIFE_SECONDS >= self._limit for row in self._rows.values())
        others = len(replies.keys() | set(silent))
        self._seen = _Seen(others - dead, others)
