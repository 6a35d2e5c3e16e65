"""Asking somebody of unknown speed without waiting for long."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from typing import Final, Generic, TypeVar, cast

from observekit.guard import in_forked_child

# Source: a fifth of what a scrape may take; who tends waits for it, and who makes a page for all of them.
ASIDE_SECONDS: Final = 1.0
# How many may be late, each with a thread that waits for him, before nobody further is asked.
MOST_THREADS: Final = 8

Answer = TypeVar("Answer")
_Outcome = tuple[Answer | None, BaseException | None]
_Job = Callable[[], Callable[[], None]]
_Jobs = SimpleQueue[_Job | None]


class LateError(TimeoutError):
    """Somebody has not answered in time; a TimeoutError of his own is an answer."""


class EndingError(LateError):
    """Nobody can be asked any more: the interpreter ends, and starts no thread (from Python 3.12 on)."""


class Helpers:
    """Threads that ask. One that has an answer is kept for the next question; who is late has his own.

    There is none before the first question, and none after ``close`` but for those that wait for an answer;
    and never more than MOST_THREADS, so that a service whose functions hang has room for threads of its own.
    """

    def __init__(self) -> None:
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._idle: _Jobs | None = None
        self._threads = 0
        self._is_closed = False

    def hand(self, job: _Job) -> None:
        """Have *job* done, and then what it returns: by then the thread is there for another.

        Raises:
            LateError: All of them wait for somebody.
            RuntimeError: There can be no further thread.
        """
        with self._lock:
            jobs, self._idle = self._idle, None
            if jobs is None:
                jobs = self._begun()
        jobs.put(job)

    def _begun(self) -> _Jobs:
        if self._threads >= MOST_THREADS:
            raise LateError(f"{MOST_THREADS} others have not returned from an earlier scrape")
        jobs: _Jobs = SimpleQueue()
        Thread(target=self._work, args=(jobs,), name="observekit-aside", daemon=True).start()
        self._threads += 1
        return jobs

    def close(self) -> None:
        """Let the thread that is kept end, and keep none from now on."""
        with self._lock:
            jobs, self._idle, self._is_closed = self._idle, None, True
            self._threads -= jobs is not None
        if jobs is not None:
            jobs.put(None)

    def _work(self, jobs: _Jobs) -> None:
        while (job := jobs.get()) is not None:
            told = job()
            with self._lock:
                is_kept = self._idle is None and not self._is_closed
                if is_kept:
                    self._idle = jobs
                else:
                    self._threads -= 1
            told()
            if not is_kept:
                return
            del job, told  # Or what they hold would be held until the next question.


class Aside(Generic[Answer]):
    """Asks one and the same by *helpers*; whoever has not answered is not asked again until he does."""

    __slots__ = ("_busy", "_helpers")

    def __init__(self, helpers: Helpers) -> None:
        self._helpers = helpers
        self._busy = False

    def ask(self, question: Callable[[], Answer], seconds: float = ASIDE_SECONDS) -> Answer:
        """Return what *question* returns, or raise what it raises.

        Raises:
            LateError: If it takes longer than *seconds*, or has not returned from an earlier call, or too
                many others have not; as an EndingError, if there is nobody any more to tell it to.
            RuntimeError: If there can be no further thread, or the question raised what ends programs.
        """
        if self._busy:
            raise LateError("the collector has not returned from an earlier scrape")
        outcomes: SimpleQueue[_Outcome[Answer]] = SimpleQueue()
        self._busy = True
        try:
            self._helpers.hand(lambda: self._asked(question, outcomes))
        except LateError:
            self._busy = False
            raise
        except RuntimeError as refused:
            self._busy = False
            if "shutdown" in str(refused):
                raise EndingError("the interpreter is ending") from None
            raise
        try:
            answer, error = outcomes.get(timeout=seconds)
        except Empty:
            raise LateError(f"the collector took over {seconds:.2g} s") from None
        if error is not None:
            raise error if isinstance(error, Exception) else RuntimeError(f"it raised {error!r}")
        return cast("Answer", answer)

    def _asked(
        self, question: Callable[[], Answer], outcomes: "SimpleQueue[_Outcome[Answer]]"
    ) -> Callable[[], None]:
        try:
            outcome: _Outcome[Answer] = question(), None
        except BaseException as error:  # noqa: BLE001 -- a SystemExit of the user's ends nothing
            outcome = None, error
        self._busy = False
        return lambda: outcomes.put(outcome)
