"""Asking somebody of unknown speed without waiting for long."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, Generic, TypeVar, cast

# Source: a fifth of what a scrape may take; who tends waits for it, and who makes a page for all of them.
ASIDE_SECONDS: Final = 1.0

Answer = TypeVar("Answer")
_Outcome = tuple[Answer | None, BaseException | None]


class LateError(TimeoutError):
    """Somebody has not answered in time; a TimeoutError of his own is an answer."""


class EndingError(LateError):
    """Nobody can be asked any more: the interpreter ends, and starts no thread (from Python 3.12 on)."""


class Aside(Generic[Answer]):
    """Asks on threads of its own; whoever has not answered is not asked again until he does."""

    __slots__ = ("_busy",)

    def __init__(self) -> None:
        self._busy = False

    def ask(self, question: Callable[[], Answer], seconds: float = ASIDE_SECONDS) -> Answer:
        """Return what *question* returns, or raise what it raises.

        Raises:
            LateError: If it takes longer than *seconds*, or has not returned from an earlier call; as an
                EndingError, if there is nobody any more to tell it to.
            RuntimeError: If there can be no further thread, or the question raised what ends programs.
        """
        if self._busy:
            raise LateError("the collector has not returned from an earlier scrape")
        outcomes: SimpleQueue[_Outcome[Answer]] = SimpleQueue()
        thread = Thread(target=self._work, args=(question, outcomes), name="observekit-aside", daemon=True)
        self._busy = True
        try:
            thread.start()
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

    def _work(self, question: Callable[[], Answer], outcomes: "SimpleQueue[_Outcome[Answer]]") -> None:
        try:
            outcome: _Outcome[Answer] = question(), None
        except BaseException as error:  # noqa: BLE001 -- a SystemExit of the user's ends nothing
            outcome = None, error
        self._busy = False
        outcomes.put(outcome)
