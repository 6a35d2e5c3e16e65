"""An exception as the attributes of a span's event: all of it that is of use, and never more."""

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Final

# Tracebacks of 10,000 frames and endless chains of causes must stay readable.
_FRAMES: Final = 50
_CAUSES: Final = 8
_CAUSE: Final = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT: Final = "\n\nDuring handling of the above exception, another exception occurred:\n\n"


def exception_attributes(error: BaseException) -> dict[str, str]:
    """Return type, message and stack trace of *error*, as the semantic conventions name them.

    OpenTelemetry calls ``str(error)`` unguarded, which may raise in the middle of somebody's ``except``,
    and formats tracebacks of any length, for which it reads source files.
    """
    return {
        "exception.type": type_of(error),
        "exception.message": message_of(error),
        "exception.stacktrace": "".join(reversed(list(_told(error)))),
    }


def type_of(error: BaseException) -> str:
    """Return the full name of the type of *error*, the bare one of a builtin."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """Return the text of *error*, also where its own ``__str__`` fails."""
    try:
        return str.__str__(str(error))
    except Exception as failure:  # noqa: BLE001 -- __str__ is the user's code and may raise anything
        return f"<cannot be shown, {type(failure).__name__}>"


def _told(error: BaseException) -> Iterator[str]:
    """Yield the texts of *error* and of what led to it, the last first, as Python's own tracebacks."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and len(seen) < _CAUSES:
        seen.add(id(current))
        yield "".join((*_stack(current.__traceback__), type_of(current), ": ", message_of(current)))
        # Compared with None: an exception may have a truth value of its own.
        cause = current.__cause__
        context = None if current.__suppress_context__ else current.__context__
        earlier = context if cause is None else cause
        if earlier is None or id(earlier) in seen:
            return
        yield _CONTEXT if cause is None else _CAUSE
        current = earlier


def _stack(trace: TracebackType | None) -> Iterator[str]:
    kept: deque[str] = deque(maxlen=_FRAMES)
    count = 0
    while trace is not None:
        code = trace.tb_frame.f_code
        kept.append(f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_qualname}\n')
        count += 1
        trace = trace.tb_next
    if count:
        yield "Traceback (most recent call last):\n"
    if count > _FRAMES:
        yield f"  [{count - _FRAMES} more frames left out]\n"
    yield from kept
