"""Looking at something again and again, on a thread that the first question starts."""

from collections.abc import Callable
from threading import Event, RLock, Thread

from observekit.guard import in_forked_child


class Looker:
    """Calls *look* with so many seconds in between, from begin() to stop().

    Args:
        look: What may take a while; what it raises is told *failed*, and the next look may be better.
        seconds: How long to wait after each.
        failed: Told what goes wrong.
    """

    __slots__ = ("__weakref__", "_failed", "_lock", "_look", "_seconds", "_stop")

    def __init__(self, look: Callable[[], None], seconds: float, failed: Callable[[Exception], None]) -> None:
        self._look = look
        self._seconds = seconds
        self._failed = failed
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._stop: Event | None = None

    def begin(self) -> None:
        """Look from now on; not where there can be no thread, nor after the end."""
        with self._lock:
            if self._stop is not None:
                return
            self._stop = stop = Event()
        try:
            Thread(target=self._run, args=(stop,), name="observekit-siblings", daemon=True).start()
        except RuntimeError as error:  # No more threads: each worker answers for itself.
            self._failed(error)

    def stop(self, _: float = 0.0) -> None:
        """Look no more."""
        with self._lock:
            stop, self._stop = self._stop, Event()
            self._stop.set()
        if stop is not None:
            stop.set()

    def _run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 -- see above
                self._failed(error)
            stop.wait(self._seconds)
