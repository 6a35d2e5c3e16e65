"""One health check: what it asks, how much it matters, and what came of it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from observekit.errors import RegistrationError

Probe = Literal["liveness", "readiness", "startup"]
Criticality = Literal["required", "degraded", "info"]
Status = Literal["ok", "failed", "timeout", "error", "stale"]
_CRITICALITIES: Final[tuple[Criticality, ...]] = get_args(Criticality)
CheckFunction = Callable[[], object] | Callable[[], Awaitable[object]]

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a check can be called: a label value, and a part of a path."""

OWN_PREFIX: Final = "observekit."
"""What the names of our own checks begin with, and no other."""


ASKS: Final = "asks"
"""Attribute of a ready-made check: in words, what it asks elsewhere; empty where that is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A registered check.

    The function passes by returning anything but ``False``, and fails by returning ``False`` or raising.
    ``timeout_seconds`` is how long it may take.
    """

    name: str
    probe: Probe
    criticality: Criticality
    function: CheckFunction
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run: the status, the time it took, and the exception where there was one.

    ``failed`` is a no of the check, ``error`` that it does not work itself, as when it returned a generator,
    of which nothing has run; ``stale`` is a result that is too old to be believed.
    ``stalled`` says of a timeout that the event loop did not turn, so that the check had no chance.
    ``at`` is when it came, as a Unix time in seconds.
    """

    status: Status
    seconds: float
    error: BaseException | None = None
    stalled: bool = False
    at: float = 0.0


def criticality_of(function: object) -> Criticality:
    """Return how much a check matters unless somebody says so.

    Ready-made checks know: what all instances share takes none of them out of traffic, for instance.
    """
    known: object = getattr(function, "criticality", None)
    return next((one for one in _CRITICALITIES if one == known), "required")


def as_object(function: CheckFunction, name: str) -> CheckFunction:
    """Return what is to be called: of a class whose objects can be called, an object.

    Called itself, such a class would make an object each time, and never ask it.

    Raises:
        RegistrationError: If it cannot be made without arguments.
    """
    if not isinstance(function, type) or not any("__call__" in vars(one) for one in function.__mro__):
        return function
    try:
        made: CheckFunction = function()
    except Exception as error:
        raise RegistrationError(
            f"check {name!r} is the class {function.__qualname__!r}, of which no object can be made without "
            f"arguments ({type(error).__name__}: {error}). Register an object of it."
        ) from error
    return made
