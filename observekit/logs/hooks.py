"""Exceptions that nobody catches, and warnings: as records, where Python would print them.

Those of tasks need no hook: asyncio logs them, and its records come with all others.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NamedTuple, TextIO

from observekit.catalogue.events import UNCAUGHT_EXCEPTION, UNRAISABLE_EXCEPTION
from observekit.logs.pipeline import Pipeline

_LOGGER: Final = "observekit"


class _Place(NamedTuple):
    """Where Python keeps one of its hooks, and what it does by itself."""

    module: Any
    name: str
    default: Callable[..., object]


_Show = Callable[[Warning | str, type[Warning], str, int, TextIO | None, str | None], None]

_MAIN: Final = _Place(sys, "excepthook", sys.__excepthook__)
_THREADS: Final = _Place(threading, "excepthook", threading.__excepthook__)
_UNRAISABLE: Final = _Place(sys, "unraisablehook", sys.__unraisablehook__)


class Hooks:
    """Stands where Python prints exceptions and warnings; whoever stood there before is still called."""

    __slots__ = ("_before", "_ours", "_pipeline", "_show", "_warn")

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        # Kept, because every look at a bound method makes another one.
        self._ours: dict[_Place, Callable[..., object]] = {
            _MAIN: self._uncaught,
            _THREADS: self._uncaught_in_thread,
            _UNRAISABLE: self._unraisable,
        }
        self._before: dict[_Place, Callable[..., object]] = {}
        self._warn = self._warned
        self._show: _Show | None = None

    def take(self) -> None:
        """Stand in for Python's own hooks."""
        for place, ours in self._ours.items():
            self._before[place] = getattr(place.module, place.name)
            setattr(place.module, place.name, ours)
        if _are_printed():
            self._show, warnings.showwarning = warnings.showwarning, self._warn

    def give_back(self) -> None:
        """Put back who stood there before, unless somebody else has come since."""
        for place, before in self._before.items():
            if getattr(place.module, place.name) is self._ours[place]:
                setattr(place.module, place.name, before)
        if self._show is not None and warnings.showwarning is self._warn:
            warnings.showwarning = self._show  # type: ignore[assignment]  # it has come from there

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if hasattr(sys, "ps1"):  # At a prompt somebody waits for the traceback.
            self._before[_MAIN](kind, error, trace)
            return
        level = "critical" if isinstance(error, Exception) else "warning"
        self._say(UNCAUGHT_EXCEPTION.name, level, error, thread=threading.current_thread().name)
        self._pass_on(_MAIN, kind, error, trace)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        # A thread that calls sys.exit() ends, and nobody is told, as ever.
        if error is not None and not isinstance(error, SystemExit):
            name = None if args.thread is None else args.thread.name
            self._say(UNCAUGHT_EXCEPTION.name, "error", error, thread=name)
        self._pass_on(_THREADS, args)

    def _unraisable(self, args: "sys.UnraisableHookArgs") -> None:
        problem = args.err_msg or "Exception ignored in"
        self._say(UNRAISABLE_EXCEPTION.name, "error", args.exc_value, problem=problem, object=args.object)
        self._pass_on(_UNRAISABLE, args)

    def _say(self, event: str, level: str, error: BaseException | None, **fields: object) -> None:
        if self._pipeline.wants(level, _LOGGER):
            self._pipeline.emit(level, event, fields, logger=_LOGGER, error=error)

    def _pass_on(self, place: _Place, *args: object) -> None:
        before = self._before[place]
        if before is not place.default:
            before(*args)

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if file is not None and self._show is not None:  # Somebody wants it in words, elsewhere.
            self._show(message, category, filename, lineno, file, line)
            return
        try:
            extra = {"category": category.__name__, "location": f"{filename}:{lineno}"}
            logging.getLogger("py.warnings").warning("%s", message, extra=extra)
        except Exception as error:  # noqa: BLE001 -- whoever is warned goes on
            self._pipeline.failed(error)


def _are_printed() -> bool:
    """Whether warnings are printed: nobody shows them in his own way, or records them."""
    # Private names, and with the same meaning since Python 3.6; without them warnings stay as they are.
    original = getattr(warnings, "_showwarning_orig", None)
    shown_by_python = hasattr(getattr(warnings, "_showwarnmsg_impl", None), "__code__")
    return original is not None and shown_by_python and warnings.showwarning is original
