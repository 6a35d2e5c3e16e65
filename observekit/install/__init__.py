"""Where everything is put together: setup(), instrument(), and the names that users import."""

from observekit.correlation import annotate
from observekit.install.facade import ObserveMiddleware, get_logger, instrument, operation, setup
from observekit.install.kit import Kit

__all__ = ["Kit", "ObserveMiddleware", "annotate", "get_logger", "instrument", "operation", "setup"]
