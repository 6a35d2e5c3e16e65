"""The start without a line of code: an application is observed by the server that loads it."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from observekit.errors import ConfigError
from observekit.install.facade import ObserveMiddleware, instrument, setup, setup_provisionally
from observekit.integrations import starlette
from observekit.integrations.servers import SERVERS, Steps


def observe_server(module: ModuleType) -> None:
    """Have the server that *module* belongs to observe the application that it will load."""
    SERVERS[module.__name__](module, Steps(_before, _observed, _loaded))


def _before() -> None:
    """Set up before the application is imported.

    Raises:
        ConfigError: If a variable is wrong and ``OBSERVEKIT_STRICT`` says that this is an error.
    """
    _attempt(setup_provisionally)


def _observed(app: Any) -> Any:
    """Return *app* with a layer around it, or within it where that is its way; as it is if that fails."""
    return _attempt(lambda: _around(app)) or app


def _around(app: Any) -> Any:
    if starlette.is_application(app):
        instrument(app)  # Which changes nothing where its own code has done so.
        return app
    return app if isinstance(app, ObserveMiddleware) else ObserveMiddleware(app)


def _loaded() -> None:
    """Note that a server serves that asks no application how far it is."""
    _attempt(_serving)


def _serving() -> None:
    setup().lifecycle.serving()


def _attempt(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 -- the server serves, observed or not
        print(f"observekit run: not observed: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return None
