"""What the other workers of a service say of their readiness, so that all of them can say the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Final, Literal, NamedTuple

from observekit.guard import in_forked_child
from observekit.health.asking import ask
from observekit.health.state import Verdict

Policy = Literal["own", "any", "all", "quorum"]

# Source: a drain is to reach all workers within 200 ms; a probe comes every few seconds.
_LOOK_SECONDS: Final = 0.2
# Who does not answer within this is not well. Source: half of what the kubelet waits.
_PATIENCE_SECONDS: Final = 0.5


class _Seen(NamedTuple):
    """How many others there are, and how many of them are ready."""

    ready: int
    others: int


class Siblings:
    """Looks at the other workers from time to time, on a thread that the first question starts.

    Args:
        policy: When the service is ready: when ``any`` worker is, ``all`` are, or more than half of them.
        target: Where a worker answers for itself.
        sockets: Returns where the others listen; nothing where there are none.
        failed: Told what goes wrong.
    """

    __slots__ = ("__weakref__", "_failed", "_lock", "_policy", "_seen", "_sockets", "_stop", "_target")

    def __init__(
        self,
        policy: Policy,
        target: str,
        sockets: Callable[[], list[Path]],
        failed: Callable[[Exception], None],
    ) -> None:
        self._policy = policy
        self._target = target
        self._sockets = sockets
        self._failed = failed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._stop: Event | None = None
        self._seen: _Seen | None = None

    def verdict(self, own: Verdict) -> Verdict:
        """Return what the service says, of which this worker says *own*."""
        self._look_from_now_on()
        seen = self._seen
        if seen is None or seen.others == 0:
            return own
        ready, workers = seen.ready + own.is_ok, seen.others + 1
        note = f"{ready} of {workers} workers are ready"
        if self._is_enough(ready, workers):
            return replace(own, word="ok", note=note)
        return replace(own, word="failed" if own.is_ok else own.word, note=note)

    def stop(self, _: float = 0.0) -> None:
        """Look no more."""
        with self._lock:
            stop, self._stop = self._stop, Event()
            self._stop.set()
        if stop is not None:
            stop.set()

    def _is_enough(self, ready: int, workers: int) -> bool:
        if self._policy == "quorum":
            return 2 * ready > workers
        return ready == workers if self._policy == "all" else ready > 0

    def _look_from_now_on(self) -> None:
        with self._lock:
            if self._stop is not None:
                return
            self._stop = stop = Event()
        try:
            Thread(target=self._look, args=(stop,), name="observekit-siblings", daemon=True).start()
        except RuntimeError as error:  # No more threads: each worker answers for itself.
            self._failed(error)

    def _look(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                replies, silent = ask(self._sockets(), "GET", self._target, _PATIENCE_SECONDS)
                ready = sum(reply.status == 200 for reply in replies.values())  # noqa: PLR2004 -- as HTTP has it
                self._seen = _Seen(ready, len(replies) + len(silent))
            except Exception as error:  # noqa: BLE001 -- the next look may be better
                self._failed(error)
            stop.wait(_LOOK_SECONDS)
