"""The meter provider that OpenTelemetry's API is given: the SDK's, made when the first meter is asked for."""

from collections.abc import Callable
from threading import RLock
from typing import Any

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider


class LazyProvider(MeterProvider):
    """Costs nothing until somebody makes a meter; *make* returns the provider that does the work.

    If that fails, *failed* is told once, and what is measured goes nowhere.
    """

    def __init__(self, make: Callable[[], Any], failed: Callable[[Exception], None]) -> None:
        self._make = make
        self._failed = failed
        self._lock = RLock()
        self._provider: Any = None

    @property
    def made(self) -> Any:
        """The provider that does the work; ``None`` while nobody has asked for a meter."""
        return self._provider

    def close(self) -> None:
        """Make no provider any more where none is made."""
        with self._lock:
            if self._provider is None:
                self._provider = NoOpMeterProvider()

    def get_meter(self, name: str, *given: Any, **more: Any) -> Meter:
        """Return a meter of the provider that does the work."""
        meter: Meter = self._working().get_meter(name, *given, **more)
        return meter

    def __getattr__(self, name: str) -> Any:
        """Return what the SDK's provider has beyond the API, as ``add_metric_reader``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._working(), name)

    def _working(self) -> Any:
        if self._provider is None:
            with self._lock:
                if self._provider is None:
                    self._provider = self._made()
        return self._provider

    def _made(self) -> Any:
        try:
            return self._make()
        except Exception as error:  # noqa: BLE001 -- any version of the SDK; a service goes on without
            self._failed(error)
            return NoOpMeterProvider()
