"""structlog's configuration: ours in the place of what was there, and that back in the end."""

from functools import partial
from typing import Any

import structlog
from structlog.testing import LogCapture

from observekit.logs.bound import NamedLogger, bound_logger, say
from observekit.logs.chain import Chain, own_processors
from observekit.logs.pipeline import Pipeline

_Configured = dict[str, Any]


class Configuration:
    """Has structlog hand its records to *pipeline*, which runs the user's own processors."""

    __slots__ = ("_before", "_bound", "_ours", "_pipeline")

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._bound = bound_logger(pipeline)
        # The list is the one by which our configuration is known.
        self._ours: _Configured = {
            "processors": [pipeline],
            "wrapper_class": self._bound,
            "logger_factory": partial(NamedLogger, partial(say, pipeline)),
            "context_class": dict,
            "cache_logger_on_first_use": True,
        }
        self._before: _Configured | None = None

    def take(self) -> None:
        """Stand in the place of structlog's chain, once more where it was configured since.

        A test that captures what is logged goes on doing so, whenever an application is made or starts in it.
        """
        found = structlog.get_config()
        # The same list with something else in it is structlog's capture_logs().
        if self._is_ours(found) or any(isinstance(one, LogCapture) for one in found["processors"]):
            return
        if structlog.is_configured():
            self._before = self._without_ours(found)
            own = own_processors(found["processors"])
            self._pipeline.chain = Chain(own, self._pipeline.failed)
            self._ours["wrapper_class"] = self._wrapper(self._before["wrapper_class"])
        structlog.configure(**self._ours)

    def give_back(self) -> None:
        """Restore what was found; somebody else's chain, configured after ours, stays."""
        if not self._is_ours(structlog.get_config()):
            return
        structlog.reset_defaults()
        if self._before is not None:
            structlog.configure(**self._before)

    def _is_ours(self, found: _Configured) -> bool:
        return found["processors"] is self._ours["processors"]

    def _without_ours(self, found: _Configured) -> _Configured:
        """Return what the user has configured: what he left as we had made it is as it was before."""
        earlier = self._before
        if earlier is None:
            structlog.reset_defaults()
            earlier = structlog.get_config()
        return {key: earlier[key] if value is self._ours[key] else value for key, value in found.items()}

    def _wrapper(self, wrapper: Any) -> Any:
        """Return our bound logger, or a class of the user's own, which may have methods of its own."""
        own = isinstance(wrapper, type) and not wrapper.__module__.startswith("structlog.")
        return wrapper if own else self._bound
