"""One line makes a Python service observable: metrics, logs, traces, health, and the boards that match."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from observekit.config import Config
    from observekit.install import Kit, ObserveMiddleware, annotate, get_logger, instrument, operation, setup

__version__ = "0.1.0.dev0"
__all__ = ["Config", "Kit", "ObserveMiddleware", "annotate", "get_logger", "instrument", "operation", "setup"]

_HOME = {
    "Config": "observekit.config",
    "Kit": "observekit.install",
    "ObserveMiddleware": "observekit.install",
    "annotate": "observekit.install",
    "get_logger": "observekit.install",
    "instrument": "observekit.install",
    "operation": "observekit.install",
    "setup": "observekit.install",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that importing observekit loads no dependency."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
