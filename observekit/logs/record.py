"""What a log record looks like: the same keys for structlog, stdlib logging and our own events."""

import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Final

from opentelemetry.trace import get_current_span

Record = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

# Source: FAULTS OT-02, LG-06: tracebacks of 10,000 frames and endless cause chains must stay readable.
_FRAMES: Final = 50
_CAUSES: Final = 8
# Where every exception passes and none comes from.
_OURS: Final = str(Path(__file__).parents[1] / "http")


def begin(level: str, event: object, logger: str, service: str, seconds: float | None = None) -> Record:
    """Return the head of a record; *seconds* is the Unix time of the event, now unless given."""
    when = datetime.fromtimestamp(time() if seconds is None else seconds, UTC)
    return {
        "timestamp": when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": level,
        "event": event,
        "logger": logger,
        "service": service,
    }


def current_ids() -> Mapping[str, str]:
    """Return the ids of the current span, sampled or not; nothing outside of any."""
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "trace_flags": f"{context.trace_flags:02x}",
    }


def described(error: BaseException) -> dict[str, Any]:
    """Return *error* with its frames and its chain of causes; never the values of local variables."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < _CAUSES:
        seen.add(id(current))
        chain.append(_one(current))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain[0] | ({"caused_by": chain[1:]} if len(chain) > 1 else {})


def _one(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    trace = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
    frames = [frame for frame in trace if not frame.filename.startswith(_OURS)]
    return {
        "type": kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        "message": message_of(error),
        "frames": [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames],
    }


def message_of(error: BaseException) -> str:
    """Return the text of *error*, also where its own ``__str__`` fails."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 -- __str__ is the user's code
        return f"<cannot be shown, {type(failure).__name__}>"


def exception_of(given: object) -> BaseException | None:
    """Return the exception that an ``exc_info`` argument means, in any of the forms logging takes."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3:  # noqa: PLR2004 -- sys.exc_info()
        return given[1] if isinstance(given[1], BaseException) else None
    return None
