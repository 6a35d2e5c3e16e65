"""What ready-made checks have in common: what they ask, how much that matters, and with which object."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from observekit.errors import ConfigError, MissingExtraError
from observekit.health.check import CheckFunction, Criticality

How = Callable[[Any], CheckFunction]


def ready(
    function: Any, name: str, *, asks: str = "", criticality: Criticality = "required"
) -> CheckFunction:
    """Make *function* a ready-made check.

    Args:
        function: Sync or async, without arguments.
        name: What it is called unless it is registered under another name.
        asks: In words, what it asks outside of this process; empty where that is nothing.
        criticality: How much it matters unless somebody says so.
    """
    function.__name__ = name
    function.asks = asks
    function.criticality = criticality
    made: CheckFunction = function
    return made


def asking(given: object, hows: Mapping[str, How], name: str, *, asks: str) -> CheckFunction:
    """Return a check that asks with an object of the application's own.

    Args:
        given: The object, or a function that returns it, for objects that are made while the application
            starts; that is called anew for each run.
        hows: Makes a check of an object, by the package and class of the object, like ``redis.Redis``.
        name: What the check is called, and the function that makes it.
        asks: As for ready().

    Raises:
        ConfigError: If the object is of none of these classes.
    """
    if not (inspect.isroutine(given) or isinstance(given, partial)):
        return ready(_how(given, hows, name)(given), name, asks=asks, criticality="degraded")
    find: Callable[[], object] = given
    last: list[tuple[object, CheckFunction]] = []

    def late() -> object:
        found = find()
        if found is None:
            raise LookupError(
                f"there is nothing to ask with yet: {name}() was given a function that says None"
            )
        # One check for one object: it knows what it has asked and not been answered yet.
        if not last or last[0][0] is not found:
            last[:] = [(found, _how(found, hows, name)(found))]
        return last[0][1]()

    return ready(late, name, asks=asks, criticality="degraded")


def needed(module: str, package: str, name: str) -> Any:
    """Import what the check *name* cannot do without.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{name}() needs {package}. Install it with: pip install {package}"
        ) from error


def _how(value: object, hows: Mapping[str, How], name: str) -> How:
    for kind in type(value).__mro__:
        how = hows.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}")
        if how is not None:
            return how
    known = ", ".join(hows)
    raise ConfigError(
        f"{name}() got an object of {type(value).__module__}.{type(value).__qualname__}, but asks with "
        f"{known}, or with a function that returns one of these."
    )
