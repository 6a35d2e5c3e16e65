"""The one boundary: failures of our own code stop here, are counted, and are told once a minute."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import RLock
from time import monotonic
from types import MethodType
from typing import Final, Protocol
from weakref import ref

# One line a minute says that something is wrong; more would be a flood of our own making.
QUIET_SECONDS: Final = 60.0

_RESETS: Final[dict[tuple[int, str], "ref[object]"]] = {}

_PARENTS: Final[dict[int, "ref[Parent]"]] = {}

Report = Callable[[str, BaseException, int], None]


class Guard:
    """Counts what fails inside observekit, by component, and keeps it away from the service."""

    __slots__ = ("__weakref__", "_clock", "_lock", "_report", "_told", "failures")

    def __init__(self, components: tuple[str, ...], clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._report: Report | None = None
        self._told: dict[str, float] = {}
        self.failures: dict[str, int] = dict.fromkeys(components, 0)
        self._renew_lock()
        in_forked_child(self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = RLock()  # Re-entrant: a signal handler may fail in the middle of a failure.

    def report_to(self, report: Report | None) -> None:
        """Hand further failures to *report* as component, error and how many there were so far."""
        self._report = report

    def failed(self, component: str, error: BaseException) -> None:
        """Count a failure and tell it unless one of the component was told within the last minute."""
        with self._lock:
            if component not in self.failures:
                self.failures[component] = 0
            # No call between reading and writing: a signal handler that fails in between is counted too.
            self.failures[component] += 1
            failures = self.failures[component]
            now = self._clock()
            if now - self._told.get(component, -QUIET_SECONDS) < QUIET_SECONDS:
                return
            self._told[component] = now
        if self._report is not None:
            with suppress(Exception):  # It is counted already, and there is nobody left to tell.
                self._report(component, error, failures)


def in_forked_child(reset: Callable[[], None]) -> None:
    """Call the bound method *reset* in every forked child, for as long as its object lives.

    A child has none of its parent's threads, and its locks may be held by one of them.
    """
    if not isinstance(reset, MethodType):
        raise TypeError(f"{reset!r} is no bound method.")
    _listen_for_forks()
    key = id(reset.__self__), reset.__name__
    # Not WeakMethod, whose callback fails, and says so, where the interpreter ends before its object.
    _RESETS[key] = ref(reset.__self__, lambda _, key=key, resets=_RESETS: resets.pop(key, None))  # type: ignore[misc]


class Parent(Protocol):
    """Who has something to do around each fork of its process; neither may raise or wait."""

    def before_fork(self) -> None:
        """Prepare for a child."""
        ...

    def after_fork(self) -> None:
        """Go on in the parent."""
        ...


def around_forks(parent: Parent) -> None:
    """Tell *parent* of each fork, for as long as it lives."""
    _listen_for_forks()
    key = id(parent)
    _PARENTS[key] = ref(parent, lambda _, key=key, parents=_PARENTS: parents.pop(key, None))  # type: ignore[misc]


@cache
def _listen_for_forks() -> None:
    # Once: there is no way to take a registration back.
    os.register_at_fork(
        before=lambda: _tell_parents("before_fork"),
        after_in_parent=lambda: _tell_parents("after_fork"),
        after_in_child=_reset_all,
    )


def _tell_parents(name: str) -> None:
    for parent in list(_PARENTS.values()):
        alive = parent()
        if alive is not None:
            getattr(alive, name)()


def _reset_all() -> None:
    failed: list[Exception] = []
    for (_, name), owner in _registered():
        alive = owner()
        if alive is None:
            continue
        try:
            getattr(alive, name)()
        except Exception as error:  # noqa: BLE001 -- the others must not keep their parent's locks for that
            failed.append(error)
    if failed:
        raise ExceptionGroup("not everything was reset after a fork", failed)  # The interpreter shows it.


def _registered() -> list[tuple[tuple[int, str], "ref[object]"]]:
    while True:
        with suppress(RuntimeError):  # Garbage was collected meanwhile, and its entries went.
            return list(_RESETS.items())
