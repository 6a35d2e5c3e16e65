"""This process among the workers of its service: what it shares, and the page of all of them."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, Final

from prometheus_client import CollectorRegistry

from observekit.guard import in_forked_child
from observekit.metrics.store import Shown, Store
from observekit.metrics.workers.aside import ASIDE_SECONDS, Helpers
from observekit.metrics.workers.client import ClientValues, is_shareable, shape_of, theirs
from observekit.metrics.workers.group import Group
from observekit.metrics.workers.page import SharedPage, Writable, Writers
from observekit.metrics.workers.published import source_of
from observekit.metrics.workers.readings import Readings
from observekit.metrics.workers.shapes import Shape
from observekit.metrics.workers.values import First

# Long enough for a loop that waits for the interpreter to be woken and to take it.
_PAUSE_SECONDS: Final = 0.0002
# Source: twice what a group waits for its lock.
_JOIN_SECONDS: Final = 2.0
# Source: what waits behind it, as for the dead to be added up, is twice as old then.
_TEND_SECONDS: Final = 2.0


class Member:
    """Alone until it is told to join; then everything in *store* and *registry* is shared.

    In a forked child it begins at zero, and joins the group of its parent with the first thing it counts.
    *unread* is told the name of a collector that failed, *failed* what goes wrong with the files.

    Attributes:
        joined: Told each time the process has become a worker.
        differs: Told the name of each family that is left out, because a release that ran before, or still
            runs, has it with other labels, buckets or of another kind.
        children: Asked for each page while the process is alone: where its children have their files, if any.
        client_metrics_are_theirs: Whether the user runs prometheus-client's own multiprocess mode.
    """

    def __init__(
        self,
        store: Store,
        registry: CollectorRegistry,
        unread: Callable[[str, Exception], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._store = store
        self._failed = failed
        self._group: Group | None = None
        self._writers = Writers()
        self.client_metrics_are_theirs = theirs()
        self._helpers = Helpers()
        shares = not self.client_metrics_are_theirs
        self._client = ClientValues(registry, unread, self._helpers) if shares else None
        self._readings = Readings(store, registry, self._client, unread, self._helpers)
        self._told: set[Shape] = set()
        self._has_started = False
        self.joined: Callable[[], None] = _nothing
        self.children: Callable[[], Path | None] = _nowhere
        self.differs: Callable[[str], None] = _ignore
        self._renew_locks()
        in_forked_child(self._forked)

    def _renew_locks(self) -> None:
        self._joining = Lock()
        self._is_worker = False

    @property
    def is_alone(self) -> bool:
        """Whether there is no group; in a forked child there is, before it has joined."""
        return self._group is None

    @property
    def is_worker(self) -> bool:
        """Whether this process shares what it counts."""
        return self._is_worker

    @property
    def slot(self) -> int:
        """The number that no other living worker has; -1 before there is one."""
        return -1 if self._group is None else self._group.slot

    @property
    def degraded(self) -> bool:
        """Whether it wants to share and cannot, for now."""
        return self._group is not None and self._group.degraded

    @property
    def files(self) -> int:
        """How many files the workers have; none where there is one process."""
        return 0 if self._group is None or not self._is_worker else self._group.files

    @property
    def has_company(self) -> bool:
        """Whether there are other workers, by a look that an event loop can take: it joins nobody."""
        return self._group is not None or self.children() is not None

    def join(self, directory: Path, *, as_starter: bool = False) -> None:
        """Become a worker of the group that has its files in *directory*.

        The one who starts it may stay the only one, and then shows a page as before.
        """
        self._has_started = as_starter
        if self._group is None:
            self._group = Group(directory, self._failed)
        # Who forks must not do so in the middle of what another thread has begun.
        self._join(_JOIN_SECONDS)

    def close_sources(self) -> None:
        """Write what is read rather than counted for the last time: what it is read from is about to end."""
        self.refresh()
        self._readings.close()

    def leave(self) -> None:
        """Count for oneself alone from now on; what has been counted so far stays."""
        group, self._group = self._group, None
        if group is None:
            return
        self._is_worker = False
        group.rebind = _nothing
        # A forked child that has counted nothing has joined nobody; what waits for its first count goes too.
        self._store.share(None)
        if self._client is not None:
            self._client.undo()
        self._helpers.close()
        group.leave()

    def refresh(self) -> None:
        """Write what is read rather than counted, for the others to see."""
        group = self._group
        if group is not None and self._is_worker:
            self._readings.publish(group)
            self._readings.ask(group, monotonic() + ASIDE_SECONDS)

    def before_fork(self) -> None:
        """Write what a child inherits; functions of the user's may wait for what whoever forks holds."""
        group = self._group
        if group is not None and self._is_worker:
            self._readings.publish(group)
            self._readings.ask_inherited(group)

    def tend(self) -> None:
        """See to the files, add up workers that have gone, and write what is read rather than counted."""
        group = self._group
        if group is not None and self._is_worker:
            group.tend()
            self._readings.publish(group)
            self._readings.ask(group, monotonic() + _TEND_SECONDS)

    def page(self) -> SharedPage | None:
        """Return what all workers have counted by now; none where this process is the only one.

        Raises:
            TimeoutError: Another thread is at joining them, for long; or their files could not be read.
        """
        directory = self.children() if self._group is None else None
        if directory is not None:
            self.join(directory)  # Children that were started after this process.
        elif not self._is_worker:
            self._join(_JOIN_SECONDS)  # A forked child that has counted nothing so far.
        group = self._group
        if group is None:
            return None
        if self._is_worker:
            self._readings.publish(group)
            self._readings.ask(group, monotonic() + ASIDE_SECONDS)
        looked, snapshot = group.looks, group.snapshot(pause=_let_others_run)
        if not self._is_worker or group.is_awaited():
            raise TimeoutError("this process is not among the other workers yet")
        if self._has_started and not group.has_seen_others:
            return None  # It has forked; but no child has counted anything.
        if group.looks == looked:
            raise TimeoutError("what the workers have counted could not be read")
        return SharedPage(snapshot, self._writers, self._refused)

    def shown(self, collector: Any, page: SharedPage) -> list[Writable] | None:
        """Return the families of *collector* that are shared; none where only who answers can tell."""
        if collector is self._store:
            return [_of_store(one, page) for one in self._store.shown()]
        if is_shareable(collector) and not self.client_metrics_are_theirs:
            shape = shape_of(collector)
            return [page.writable(shape.name, shape)]
        if source_of(collector) is None:
            return None
        return [page.writable(name, further_labels=True) for name in self._readings.names(collector)]

    def _join(self, wait_seconds: float = 0.0) -> None:
        """Join the group once.

        Who comes with a count while another thread does so must not wait: its cell is shared by that other,
        who may need what this one holds.
        """
        group = self._group
        if group is None or not self._joining.acquire(timeout=wait_seconds):
            return
        try:
            begins = not self._is_worker
            if begins:
                group.rebind = lambda: self._rebind(group)
                group.join()
                self._rebind(group)
                self._is_worker = True
        finally:
            self._joining.release()
        if begins:
            self.joined()

    def _rebind(self, group: Group) -> None:
        self._store.share(group.record)
        if self._client is not None:
            self._client.install(group.record)

    def _forked(self) -> None:
        self._renew_locks()
        if self._group is None:
            return
        self._readings.reset()
        if self._client is not None:
            self._client.reset(self._join)
        self._store.reset(First(self._join, self._failed))

    def _refused(self, shape: Shape) -> None:
        if shape not in self._told:
            self._told.add(shape)
            self.differs(shape.name)


def _of_store(one: Shown, page: SharedPage) -> Writable:
    if one.shape is None:
        return Writable(one.spec.name, one.blocks, one.collect)
    return page.writable(one.shape.name, one.shape, further_labels=one.further_labels)


def _let_others_run() -> None:
    """Give the interpreter away, so that an event loop does not wait for a page that a thread reads."""
    sleep(_PAUSE_SECONDS)


def _nothing() -> None:
    """Do nothing, where nobody has to be told."""


def _ignore(_: str) -> None:
    """Do nothing, where nobody has to be told a name."""


def _nowhere() -> None:
    """Say that there are no children."""
