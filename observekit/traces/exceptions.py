"""An exception as the attributes of a span's event: all of it that is of use, and never more."""

from collections import deque
from collections.abc import Iterator
from textwrap import indent
from types import TracebackType
from typing import Final

# Tracebacks of 10,000 frames and endless chains of causes must stay readable.
_FRAMES: Final = 50
_CAUSES: Final = 8
# Of a group, as many members, groups within groups as deep, and all in all as many exceptions.
_MEMBERS: Final = 8
_GROUPS: Final = 3
_EXCEPTIONS: Final = 32
# Source: a span has 64 KiB in all. In a stack trace there are several messages, which begin there.
_TEXT: Final = 64 * 1024
_MESSAGE: Final = 4096
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
        "exception.stacktrace": _told(error, set(), 0)[:_TEXT],
    }


def type_of(error: BaseException) -> str:
    """Return the full name of the type of *error*, the bare one of a builtin."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """Return the text of *error*, as much of it as may leave, also where its own ``__str__`` fails."""
    try:
        return str.__str__(str(error))[:_TEXT]
    except Exception as failure:  # noqa: BLE001 -- __str__ is the user's code and may raise anything
        return f"<cannot be shown, {type(failure).__name__}>"


def _told(error: BaseException, seen: set[int], depth: int) -> str:
    return "".join(reversed(list(_chain(error, seen, depth))))


def _chain(error: BaseException, seen: set[int], depth: int) -> Iterator[str]:
    """Yield the texts of *error* and of what led to it, the last first, as Python's own tracebacks."""
    current: BaseException | None = error
    for _ in range(_CAUSES):
        if current is None:
            return
        seen.add(id(current))
        name, message = type_of(current), message_of(current)[:_MESSAGE]
        yield "".join((*_stack(current.__traceback__), name, ": ", message, *_members(current, seen, depth)))
        # Compared with None: an exception may have a truth value of its own.
        cause = current.__cause__
        context = None if current.__suppress_context__ else current.__context__
        earlier = context if cause is None else cause
        if earlier is None or id(earlier) in seen or len(seen) >= _EXCEPTIONS:
            return
        yield _CONTEXT if cause is None else _CAUSE
        current = earlier


def _members(error: BaseException, seen: set[int], depth: int) -> Iterator[str]:
    """Yield the texts of the members of a group, each with what led to it."""
    members, shown = _grouped(error), 0
    for one in members[:_MEMBERS] if depth < _GROUPS else ():
        if id(one) not in seen and len(seen) < _EXCEPTIONS:
            shown += 1
            yield f"\n  +- {shown} of {len(members)}\n{indent(_told(one, seen, depth + 1), '  | ')}"
    if shown < len(members):
        yield f"\n  [{len(members) - shown} more left out]"


def _grouped(error: BaseException) -> tuple[BaseException, ...]:
    try:
        return tuple(error.exceptions) if isinstance(error, BaseExceptionGroup) else ()
    except Exception:  # noqa: BLE001 -- a class derived from it may have anything under that name
        return ()


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
