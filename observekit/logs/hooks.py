"""Exceptions that nobody catches, and warnings: as records, where Python would print them.

Those of tasks need no hook: asyncio logs them, and its records come with all others.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, TextIO

from observekit.catalogue.events import UNCAUGHT_EXCEPTION, UNRAISABLE_EXCEPTION
from observekit.logs.output import Output, opened
from observekit.logs.pipeline import Pipeline
from observekit.logs.values import Cleaner

_LOGGER: Final = "observekit"
# How long a process that is ending waits for its last record to be read, before it says it elsewhere.
_PATIENCE_SECONDS: Final = 0.2
_STDERR: Final = 2

Reaches = Callable[[float], bool]
WritesTo = Callable[[int], bool]


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
    """Stands where Python prints exceptions and warnings; whoever stood there before is still called.

    Args:
        pipeline: Takes the records.
        reaches: Says whether records are read by somebody, after waiting for that for so many seconds at
            most. Where they are not, exceptions are said on standard error, as Python would.
        writes_to: Says whether records are written to the file behind a descriptor.
    """

    __slots__ = ("_before", "_ours", "_pipeline", "_reaches", "_show", "_warn", "_writes_to")

    def __init__(self, pipeline: Pipeline, reaches: Reaches, writes_to: WritesTo) -> None:
        self._pipeline = pipeline
        self._reaches = reaches
        self._writes_to = writes_to
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
        # At the end of the process ours stays: a daemon thread that prints while the interpreter closes
        # standard error ends it by SIGABRT.
        ending = not threading.main_thread().is_alive()
        if self._show is not None and warnings.showwarning is self._warn and not ending:
            warnings.showwarning = self._show  # type: ignore[assignment]  # it has come from there

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if hasattr(sys, "ps1"):  # At a prompt somebody waits for the traceback.
            self._before[_MAIN](kind, error, trace)
            return
        level = "critical" if isinstance(error, Exception) else "warning"
        name = threading.current_thread().name
        self._say(UNCAUGHT_EXCEPTION.name, level, error, {"thread": name}, _PATIENCE_SECONDS)
        self._pass_on(_MAIN, kind, error, trace)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        # A thread that calls sys.exit() ends, and nobody is told, as ever.
        if error is not None and not isinstance(error, SystemExit):
            name = None if args.thread is None else args.thread.name
            self._say(UNCAUGHT_EXCEPTION.name, "error", error, {"thread": name})
        self._pass_on(_THREADS, args)

    def _unraisable(self, args: "sys.UnraisableHookArgs") -> None:
        fields = {"problem": args.err_msg or "Exception ignored in", "object": args.object}
        self._say(UNRAISABLE_EXCEPTION.name, "error", args.exc_value, fields)
        self._pass_on(_UNRAISABLE, args)

    def _say(
        self,
        event: str,
        level: str,
        error: BaseException | None,
        fields: Mapping[str, object],
        patience_seconds: float = 0.0,
    ) -> None:
        if not self._pipeline.wants(level, _LOGGER):
            return
        self._pipeline.emit(level, event, fields, logger=_LOGGER, error=error)
        if error is not None and not self._reaches(patience_seconds):
            self._say_elsewhere(event, level, error, fields)

    def _say_elsewhere(
        self, event: str, level: str, error: BaseException, fields: Mapping[str, object]
    ) -> None:
        """Write the record to standard error, as far as it takes it at once."""
        try:
            # There it would stand twice, and in the middle of another: whoever closes a descriptor of a file
            # gives up all locks that his process has on it, the writer's turn among them.
            if self._writes_to(_STDERR):
                return
            # A process that was started without has something else under this number.
            output = None if sys.__stderr__ is None else opened(_STDERR)
            if output is not None:
                _write_in_turn(output, self._line(event, level, error, fields))
        except Exception as failure:  # noqa: BLE001 -- as with every record
            self._pipeline.failed(failure)

    def _line(self, event: str, level: str, error: BaseException, fields: Mapping[str, object]) -> bytes:
        cleaner = Cleaner()
        shown = {name: cleaner.field(name, value) for name, value in fields.items()}
        return self._pipeline.line(level, event, shown | {"exception": self._pipeline.told(error)})

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


def _write_in_turn(output: Output, line: bytes) -> None:
    output.begin(_at_once)
    try:
        output.write(line, _at_once)
    finally:
        output.end()


def _at_once() -> bool:
    return True


def _are_printed() -> bool:
    """Whether warnings are printed: nobody shows them in his own way, or records them."""
    # Private names, and with the same meaning since Python 3.6; without them warnings stay as they are.
    original = getattr(warnings, "_showwarning_orig", None)
    shown_by_python = hasattr(getattr(warnings, "_showwarnmsg_impl", None), "__code__")
    return original is not None and shown_by_python and warnings.showwarning is original
