"""What structlog gives of a record, read: its level, its logger, its exception."""

import sys
from collections.abc import MutableMapping
from typing import Any, Final

from observekit.logs.levels import NUMBERS
from observekit.logs.record import exception_of

_NAMES: Final = {"warn": "warning", "exception": "error", "fatal": "critical", "msg": "info", "log": "info"}


def level_of(method: str) -> str:
    """Return the level that a method of structlog's writes with."""
    level = _NAMES.get(method, method)
    return level if level in NUMBERS else "info"


def name_of(logger: object) -> str:
    """Return the name of *logger*, as records have it."""
    name = getattr(logger, "name", None)
    return name if name and isinstance(name, str) else "structlog"


def taken_exception(fields: MutableMapping[str, Any]) -> BaseException | None:
    """Take ``exc_info`` out of *fields* and return the exception it means."""
    given = fields.pop("exc_info", None)
    if given is None:
        return None
    return sys.exception() if given is True else exception_of(given)
