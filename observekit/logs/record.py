"""What a log record looks like: the same keys for structlog, stdlib logging and our own events."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import gmtime, strftime, time, time_ns
from types import FrameType, TracebackType
from typing import Any, Final
from weakref import ref

from opentelemetry.context import Context, get_current
from opentelemetry.trace import SpanContext, get_current_span

Record = dict[str, Any]

# Tracebacks of 10,000 frames and endless chains of causes must stay readable.
_FRAMES: Final = 50
_CAUSES: Final = 8
_NOTES: Final = 8
# How deep groups in groups are followed, and how many exceptions of a group are described.
_GROUPS: Final = 3
_MEMBERS: Final = 8
_YEAR_10000: Final = 253_402_300_800
_NANOSECONDS: Final = 1_000_000_000
# Where every exception passes and none comes from.
_OURS: Final = str(Path(__file__).parents[1] / "http") + os.sep
_HERE: Final = str(Path(__file__).parent) + os.sep


class Head:
    """Begins records; the text of the current second and of the current trace is made once and kept."""

    __slots__ = ("_ids", "_second", "_service")

    def __init__(self, service: str) -> None:
        self._service = service
        # Each is one tuple, so that threads never see half of a change.
        self._second = (-1, "")
        # Contexts do not change, and the last one is not kept alive for this.
        self._ids: tuple[Callable[[], Context | None], Mapping[str, str]] = (lambda: None, {})

    def begin(self, level: str, event: object, logger: str, seconds: float | None = None) -> Record:
        """Return the head of a record; *seconds* is the Unix time of the event, now unless given."""
        if seconds is None or not 0 <= seconds < _YEAR_10000:
            seconds = time()
        return {
            "timestamp": self._stamp(seconds),
            "level": level,
            "event": event,
            "logger": logger,
            "service": self._service,
        }

    def now(self) -> tuple[str, int]:
        """Return the time to the second, as it stands in a line, and its microseconds."""
        whole, rest = divmod(time_ns(), _NANOSECONDS)
        known, text = self._second
        return (text if whole == known else self._text_of(whole)), rest // 1000

    def current_ids(self) -> Mapping[str, str]:
        """Return the ids of the current span, sampled or not; nothing outside of any."""
        current = get_current()
        known, ids = self._ids
        if known() is current:
            return ids
        ids = _ids_of(get_current_span(current).get_span_context())
        with suppress(TypeError):  # Somebody's own idea of a context.
            self._ids = (ref(current), ids)
        return ids

    def _stamp(self, seconds: float) -> str:
        whole = int(seconds // 1)
        known, text = self._second
        if whole != known:
            text = self._text_of(whole)
        # A float of this size is a little off the microsecond it was made from.
        return f"{text}.{min(int((seconds - whole) * 1_000_000 + 0.5), 999_999):06d}Z"

    def _text_of(self, whole: int) -> str:
        text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(whole))
        self._second = (whole, text)
        return text


def _ids_of(span: SpanContext) -> Mapping[str, str]:
    if not span.is_valid:
        return {}
    return {
        "trace_id": f"{span.trace_id:032x}",
        "span_id": f"{span.span_id:016x}",
        "trace_flags": f"{span.trace_flags:02x}",
    }


def described(error: BaseException) -> dict[str, Any]:
    """Return *error* with its frames and its chain of causes; never the values of local variables."""
    return _described(error, 0)


def _described(error: BaseException, depth: int) -> dict[str, Any]:
    first, *causes = [_one(each, depth) for each in _chain(error)]
    return first | ({"caused_by": causes} if causes else {})


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _CAUSES:
        seen.add(id(current))
        yield current
        # Compared with None: an exception may have a truth value of its own.
        cause = current.__cause__
        context = None if current.__suppress_context__ else current.__context__
        current = context if cause is None else cause


def _one(error: BaseException, depth: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": type_of(error),
        "message": message_of(error),
        "frames": _frames(error.__traceback__),
    }
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, list) and notes:
        told["notes"] = notes[:_NOTES]
    if isinstance(error, BaseExceptionGroup):
        told["exceptions"] = _members(error, depth + 1)
    return told


def _members(group: BaseExceptionGroup[BaseException], depth: int) -> list[dict[str, Any] | str]:
    if depth > _GROUPS:
        return [f"<{len(group.exceptions)} left out, too deep>"]
    members: list[dict[str, Any] | str] = [_described(one, depth) for one in group.exceptions[:_MEMBERS]]
    more = len(group.exceptions) - len(members)
    return [*members, f"<{more} more left out>"] if more else members


def _frames(trace: TracebackType | None) -> list[str]:
    # Not traceback.extract_tb: it asks the file system for every file and reads their lines.
    kept: deque[str] = deque(maxlen=_FRAMES)
    count = 0
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(_OURS):
            kept.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_qualname}")
            count += 1
        trace = trace.tb_next
    return [*([f"<{count - _FRAMES} more left out>"] if count > _FRAMES else []), *kept]


def stack_of(frame: FrameType | None) -> list[str]:
    """Return the calls that led to *frame* from outside of here, the innermost last."""
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    places: deque[str] = deque(maxlen=_FRAMES)
    while frame is not None and len(places) < _FRAMES:
        places.appendleft(f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        frame = frame.f_back
    return list(places)


def type_of(error: BaseException) -> str:
    """Return the full name of the type of *error*, the bare one of a builtin."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: object) -> str:
    """Return the text of *error*, also where its own ``__str__`` fails."""
    try:
        return str.__str__(str(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as failure:  # noqa: BLE001 -- __str__ is the user's code and may raise anything
        return f"<cannot be shown, {type(failure).__name__}>"


def exception_of(given: object) -> BaseException | None:
    """Return the exception that an ``exc_info`` argument means, in any of the forms logging takes."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3:  # noqa: PLR2004 -- sys.exc_info()
        return given[1] if isinstance(given[1], BaseException) else None
    return None
