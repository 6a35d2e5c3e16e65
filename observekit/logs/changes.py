"""Levels that are changed while the service runs, for a time, after which they are what they were."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from time import monotonic
from typing import Any, Final, NamedTuple

from observekit.catalogue.events import LEVEL_CHANGED
from observekit.guard import in_forked_child
from observekit.logs.levels import NUMBERS, Levels

ROOT: Final = "root"
"""What the logger above all others is called."""

LONGEST_SECONDS: Final = 24 * 3600.0
"""Who wants a level for longer than a day wants it in the configuration."""

_MOST: Final = 32
_LONGEST_NAME: Final = 128
_WHO: Final = 200
# More than a change takes; who waits for longer goes on with levels as they are.
_ASIDE_SECONDS: Final = 1.0

Told = Callable[[str, str, Mapping[str, Any]], None]


class Change(NamedTuple):
    """A level that one logger has until ``deadline``, a reading of the monotonic clock."""

    level: str
    deadline: float


class Changes:
    """Changes *levels*, and those of logging, and takes it back when the time is over.

    ``told(level, event, fields)`` writes the audit record of each change and of its end.
    """

    def __init__(self, levels: Levels, told: Told, failed: Callable[[BaseException], object]) -> None:
        self._levels = levels
        self._told = told
        self._failed = failed
        self._now: dict[str, Change] = {}
        # Levels of logging's own loggers as they were, and what they were set to.
        self._before: dict[str, tuple[int, int]] = {}
        self._start_afresh()
        in_forked_child(self._in_child)

    def _start_afresh(self) -> None:
        self._lock = RLock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: Thread | None = None

    def _in_child(self) -> None:
        """Have somebody in a forked child, too, who takes back what is changed there."""
        self._start_afresh()
        if self._now:
            self._see_to_it()

    def change(self, logger: str, level: str, seconds: float, by: str) -> None:
        """Give *logger*, and those below it, *level* for *seconds*; a second time replaces the first.

        Raises:
            ValueError: If one of them is none, or too many loggers are changed already.
        """
        name = "" if logger == ROOT else logger
        with self._lock:
            if problem := self._problem(logger, level, seconds):
                raise ValueError(problem)
            before = self._levels.of(name)
            self._now[name] = Change(level, monotonic() + seconds)
            self._apply()
            self._see_to_it()
        fields = {"from": _word(before), "to": level, "for_seconds": seconds, "cause": by[:_WHO]}
        self._tell(name, fields)

    def undo(self, logger: str, by: str) -> bool:
        """Take a change back before its time; say whether there was one."""
        return self._end("" if logger == ROOT else logger, by[:_WHO])

    def report(self) -> list[dict[str, Any]]:
        """Return what is changed now, and for how long."""
        now = monotonic()
        return [
            {"logger": name or ROOT, "level": one.level, "seconds_left": max(0.0, one.deadline - now)}
            for name, one in dict(self._now).items()
        ]

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Give loggers of logging the levels of their owners, and within the next moment those of here again.

        Whoever sets levels meanwhile, and will give them back one day, must not take ours for an owner's.
        """
        # Whoever configures logging holds a lock of logging's, which a change that is under way waits for.
        if not self._before or not self._lock.acquire(timeout=_ASIDE_SECONDS):
            yield
            return
        try:
            self._give_back([*self._before])
            yield
        finally:
            self._apply()
            self._lock.release()

    def close(self) -> None:
        """Take everything back, because logging is given back."""
        with self._lock:
            self._now.clear()
            self._apply()
            self._thread = None
        self._wake.put(None)

    def _problem(self, logger: str, level: str, seconds: float) -> str | None:
        if not 0 < len(logger) <= _LONGEST_NAME or not logger.isprintable():
            return f"a logger must have a name of at most {_LONGEST_NAME} printable characters, or be {ROOT}"
        if level not in NUMBERS:
            return f"a level must be one of {', '.join(NUMBERS)}"
        if not 0 < seconds <= LONGEST_SECONDS:
            return f"the time must be above 0 and at most {LONGEST_SECONDS:g} s"
        if len(self._now) >= _MOST and ("" if logger == ROOT else logger) not in self._now:
            return f"the levels of {_MOST} loggers are changed already, which is the most there may be"
        return None

    def _apply(self) -> None:
        """Make levels what is said of them now; once more, where somebody else has set one meanwhile."""
        self._levels.change({name: NUMBERS[one.level] for name, one in self._now.items()})
        self._give_back([one for one in self._before if one not in self._now])
        for name, one in self._now.items():
            logger, wanted = logging.getLogger(name), NUMBERS[one.level]
            if logger.level != wanted or name not in self._before:
                before = self._before[name][0] if name in self._before else logger.level
                self._before[name] = before, wanted
                logger.setLevel(wanted)

    def _give_back(self, names: list[str]) -> None:
        for name in names:
            before, ours = self._before.pop(name)
            if logging.getLogger(name).level == ours:
                logging.getLogger(name).setLevel(before)

    def _see_to_it(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, args=(self._wake,), name="observekit-levels", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:  # No more threads: the next change, or the end, takes it back.
                self._thread = None
                self._failed(error)
        self._wake.put(None)

    def _run(self, wake: "SimpleQueue[None]") -> None:
        while (ends := self._next_end()) is not None:
            with suppress(Empty):
                wake.get(timeout=max(0.0, ends - monotonic()))
            for name, one in dict(self._now).items():
                if one.deadline <= monotonic():
                    self._end(name, "time is up", one)

    def _next_end(self) -> float | None:
        with self._lock:
            if not self._now:
                self._thread = None
                return None
            return min(one.deadline for one in self._now.values())

    def _end(self, name: str, by: str, only: Change | None = None) -> bool:
        with self._lock:
            one = self._now.get(name)
            if one is None or (only is not None and one is not only):
                return False
            del self._now[name]
            self._apply()
            after = self._levels.of(name)
            # Here, because close() waits for it: who sees the level as it was may end the process at once.
            self._tell(name, {"from": one.level, "to": _word(after), "for_seconds": None, "cause": by})
        return True

    def _tell(self, name: str, fields: Mapping[str, Any]) -> None:
        self._told("warning", LEVEL_CHANGED.name, {"changed_logger": name or ROOT, **fields})


def _word(number: int) -> str:
    """Return the level of *number*; the number itself where it has no word."""
    return next((word for word, one in NUMBERS.items() if one == number), str(number))
