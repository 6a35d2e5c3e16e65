"""What is known of the records of servers and of asyncio, so that they say in our shape what they mean."""

import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

from observekit.logs.told import was_told

# Loggers of servers by the first part of their name; granian's own have an underscore.
_SERVERS: Final = frozenset({"uvicorn", "gunicorn", "hypercorn", "granian", "_granian"})
# Servers show the whole target of a WebSocket, or of a request that failed; the query is nobody's business.
_QUERY: Final = re.compile(r"(?<=[^\s?])\?[^\s\"']+")
# uvicorn writes the access line of a WebSocket where its errors go; the canonical event replaces this too.
_ACCESS: Final = re.compile(r'\S+ - "WebSocket [^"]*" (?:\[accepted\]|\d{3})')
# Source: the heading of traceback.format_exc(), which servers log as a text where a start-up fails.
_TRACEBACK: Final = "Traceback (most recent call last):"
# Source: asyncio's default exception handler: a heading, and a line for each thing it knows.
_FACT: Final = re.compile(r"([a-z_]+): (.*)")

Fields = MutableMapping[str, Any]
Said = tuple[str, BaseException | None]


def is_access_line(logger: str, event: str) -> bool:
    """Whether *event* is the access line of a WebSocket, which uvicorn writes where its errors go."""
    return logger.startswith("uvicorn") and _ACCESS.fullmatch(event) is not None


def reshaped(logger: str, event: str, error: BaseException | None, fields: Fields) -> Said | None:
    """Return what a record of *logger* says, and the exception it is about; ``None`` if that was said before.

    Facts that stood in its text are put among *fields*.
    """
    root = logger.partition(".")[0]
    if root == "asyncio":
        return _of_asyncio(event, fields), error
    return _of_server(event, error, fields) if root in _SERVERS else (event, error)


def _of_server(event: str, error: BaseException | None, fields: Fields) -> Said | None:
    heading, found, text = event.partition(_TRACEBACK)
    if found:
        # granian describes an exception while it is handled, in words only.
        handled = sys.exception() if error is None else error
        event = heading.strip() or text.strip().rpartition("\n")[2]
        if handled is not None and f"{type(handled).__name__}" in text:
            error = handled
        else:
            fields["exception_text"] = f"{_TRACEBACK}{text}".splitlines()
    # The canonical event of the request has the whole of it.
    return None if error is not None and was_told(error) else (_QUERY.sub("", event), error)


def _of_asyncio(event: str, fields: Fields) -> str:
    heading, *lines = event.split("\n")
    facts = [_FACT.fullmatch(line) for line in lines]
    if not lines or None in facts:
        return event
    for fact in facts:
        if fact is not None:
            fields.setdefault(fact[1], fact[2])
    return heading
