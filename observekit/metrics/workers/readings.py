"""What is read rather than counted in this process, for the other workers of its service."""

from collections.abc import Callable
from threading import RLock
from time import monotonic
from typing import Any, Final

from prometheus_client import CollectorRegistry

from observekit.guard import in_forked_child
from observekit.metrics.own import as_shared
from observekit.metrics.store import Store
from observekit.metrics.workers.aside import ASIDE_SECONDS, Helpers
from observekit.metrics.workers.client import ClientValues
from observekit.metrics.workers.group import Group
from observekit.metrics.workers.published import Published, Source, readings, source_of

# Whoever writes the same just now takes milliseconds; who takes longer waits for somebody, perhaps for us.
_WAIT_SECONDS: Final = 2.0


class Readings:
    """Writes to a group what *store*, *registry* and the values of *client* say at the moment.

    *client* is none where the user runs prometheus-client's own multiprocess mode; *unread* is told the name
    of a collector that failed; *helpers* ask whoever may be late.
    """

    def __init__(
        self,
        store: Store,
        registry: CollectorRegistry,
        client: ClientValues | None,
        unread: Callable[[str, Exception], None],
        helpers: Helpers,
    ) -> None:
        self._store = store
        self._registry = registry
        self._client = client
        self._published = Published(unread, helpers)
        self._are_closed = False
        self._renew_locks()
        in_forked_child(self._renew_locks)

    def _renew_locks(self) -> None:
        self._publishing = RLock()
        self._asking = RLock()
        self._calling = RLock()

    def close(self) -> None:
        """Read no more of what is about to end."""
        self._are_closed = True

    def reset(self) -> None:
        """Begin anew in a forked child."""
        self._published.reset()

    def names(self, collector: Any) -> list[str]:
        """Return the families that *collector* has told."""
        return self._published.names(_key(collector))

    def publish(self, group: Group) -> None:
        """Write what can be read at once."""
        if not self._publishing.acquire(timeout=_WAIT_SECONDS):
            return
        try:
            self._write(group)
        finally:
            self._publishing.release()

    def _write(self, group: Group) -> None:
        if self._client is not None:
            self._client.sweep()
            self._client.publish(group.exemplar)
        self._publish_exemplars(group)
        if not self._are_closed:
            sources = self._sources()
            for name, source in sources.items():
                if source.quick:
                    self._published.publish(name, source, group.record, group.exemplar)
            self._published.withdraw_others(sources, group.record)

    def ask(self, group: Group, until: float) -> None:
        """Write what runs code of the user's, or takes his locks; what is late at *until* stays as it was."""
        if _is_had(self._asking, until):
            try:
                self._ask_sources(group, until)
            finally:
                self._asking.release()
        # With a lock of its own: who forks waits for the sources, and not for functions of the user's.
        if self._client is not None and _is_had(self._calling, until):
            try:
                self._client.ask(until)
            finally:
                self._calling.release()

    def ask_inherited(self, group: Group) -> None:
        """Write, before a fork, what a child inherits."""
        until = monotonic() + ASIDE_SECONDS
        if any(source.inherited for source in self._sources().values()) and _is_had(self._asking, until):
            try:
                self._ask_sources(group, until, inherited=True)
            finally:
                self._asking.release()

    def _ask_sources(self, group: Group, until: float, *, inherited: bool = False) -> None:
        if self._are_closed:
            return
        for name, source in self._sources().items():
            left = until - monotonic()
            if left > 0.0 and not source.quick and source.inherited >= inherited:
                seconds = min(left, ASIDE_SECONDS)
                self._published.publish(name, source, group.record, group.exemplar, seconds)

    def _publish_exemplars(self, group: Group) -> None:
        for shape, labels, cell in self._store.with_new_exemplars():
            for bucket, one in enumerate(cell.snapshot()[2]):
                if one is not None:
                    group.exemplar(shape, labels, bucket, as_shared(one))

    def _sources(self) -> dict[str, Source]:
        found = readings(self._store)
        for collector in list(getattr(self._registry, "_collector_to_names", ())):
            source = source_of(collector)
            if source is not None:
                found[_key(collector)] = source
        return found


def _is_had(lock: RLock, until: float) -> bool:
    """Wait for others who ask, who write the same; not for long, because some answers take for ever."""
    return lock.acquire(timeout=max(0.0, min(until - monotonic(), _WAIT_SECONDS)))


def _key(collector: object) -> str:
    return f"{type(collector).__name__} {id(collector)}"
