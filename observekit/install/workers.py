"""Several processes of one service: when this one becomes a worker, and who tends what they share."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, RLock, Thread, current_thread
from typing import Final

from prometheus_client import CollectorRegistry

from observekit.config import Config
from observekit.config.settings.service import UNKNOWN_SERVICE
from observekit.guard import Guard, around_forks, in_forked_child
from observekit.install.instruments import Instruments
from observekit.install.unnamed import Unnamed
from observekit.install.voice import Voice
from observekit.metrics.workers.member import Member
from observekit.metrics.workers.parents import Parents
from observekit.metrics.workers.place import Place

# Source: what is read rather than counted is a second old at most in a page that another worker makes;
# Prometheus comes every 15 s.
TEND_SECONDS: Final = 1.0


class Workers:
    """This process and the others of its service. Alone it has no thread and no file, and changes nothing.

    Attributes:
        member: What it shares with them.
        also: Called each time things are tended.
    """

    def __init__(
        self, config: Config, instruments: Instruments, registry: CollectorRegistry, guard: Guard
    ) -> None:
        self._guard = guard
        self._unnamed = Unnamed(os.environ) if config.service_name == UNKNOWN_SERVICE else None
        self._service = self._unnamed.place if self._unnamed is not None else ""
        service = f"{config.service_namespace or ''}/{config.service_name}{self._service}"
        self._place = Place(config.worker_directory, os.environ, self._failed, service)
        self.member = Member(instruments.store, registry, instruments.collector_failed(guard), self._failed)
        self.member.children = self._place.of_children
        self.member.joined = self._tend_from_now_on
        self.member.differs = self._say_left_out
        self.also: list[Callable[[], None]] = []
        self._directory: Path | None = self._of_worker()
        self._voice: Voice | None = None
        self._parents = Parents()
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._stop: Event | None = None
        self._thread: Thread | None = None
        self._forking = self._degraded = False

    def _of_worker(self) -> Path | None:
        try:
            return self._place.of_worker()
        except Exception as error:  # noqa: BLE001 -- a service starts, whatever its directories are like
            self._failed(error)
            return None

    @property
    def directory(self) -> Path | None:
        """Where the workers have their files; none where this process is alone."""
        return self._directory

    @property
    def is_orphan(self) -> bool:
        """Whether the service that this process is a worker of has ended without it."""
        return self._directory is not None and self._parents.have_gone(self._directory)

    @property
    def start(self) -> str | None:
        """The name of the service start that this process is a worker of; none where it is alone."""
        return None if self._directory is None else f"{self._directory.name}{self._service}"

    @property
    def found(self) -> list[str]:
        """What there is to say at start, as sentences."""
        said = []
        if self.member.client_metrics_are_theirs:
            said.append(
                "PROMETHEUS_MULTIPROC_DIR is set; metrics made with prometheus-client are left to its own "
                "mode, and its files to who has chosen it"
            )
        if self.member.is_worker and self._directory is not None:
            said.append(f"worker {self.member.slot} of several, which share {self._directory}")
        return said

    def begin(self, voice: Voice) -> None:
        """Join the others if this process was started as a worker, and be ready for children of its own."""
        self._voice = voice
        around_forks(self)
        if self._unnamed is not None:
            self._unnamed.begin()
        if self._directory is not None:
            self.member.join(self._directory)

    def before_fork(self) -> None:
        """Be a worker, so that what has been counted so far is there when the child begins at zero."""
        self._forking = True
        try:
            if self.member.is_alone and self._voice is not None:
                self._directory = self._place.of_starter()
                self.member.join(self._directory, as_starter=True)
            self.member.before_fork()
        except Exception as error:  # noqa: BLE001 -- a fork is the user's, and must not fail for us
            self._failed(error)

    def after_fork(self) -> None:
        """Tend what is shared from now on."""
        # Only now: a process that forks with one thread is right to do so, and is not to be warned of ours.
        self._forking = False
        if self.member.is_worker:
            self._tend_from_now_on()

    def stop(self) -> None:
        """End the thread, and leave the others."""
        self._voice = None  # Forks are nobody's business any more.
        if self._unnamed is not None:
            self._unnamed.end()
        with self._lock:
            stop, self._stop = self._stop, None
        if stop is not None:
            stop.set()
            if self._thread is not None and self._thread is not current_thread():
                self._thread.join(TEND_SECONDS)
        if not self.member.is_alone:
            self.member.leave()
            self._place.end()

    def _tend_from_now_on(self) -> None:
        with self._lock:
            if self._stop is not None or self._forking or self._voice is None:
                return
            stop = Event()
            thread = Thread(target=self._tend, args=(stop,), name="observekit-workers", daemon=True)
            self._stop, self._thread = stop, thread
        try:
            thread.start()
        except RuntimeError as error:  # No further thread; the others still see what is counted here.
            self._stop = None
            self._failed(error)

    def _tend(self, stop: Event) -> None:
        while True:
            for work in (self.member.tend, self._look_after_degradation, *self.also):
                try:
                    work()
                except Exception as error:  # noqa: BLE001 -- the next time may be better
                    self._failed(error)
            if stop.wait(TEND_SECONDS):
                return

    def _look_after_degradation(self) -> None:
        degraded = self.member.degraded
        if degraded != self._degraded and self._voice is not None:
            self._degraded = degraded
            self._voice.workers_changed(str(self._directory), degraded=degraded)

    def _say_left_out(self, metric: str) -> None:
        if self._voice is not None:
            self._voice.metric_left_out(metric, "differs_in_worker")

    def _failed(self, error: BaseException) -> None:
        self._guard.failed("workers", error)
