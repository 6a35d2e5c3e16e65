"""What waits in our own queues: when they are full, logs and spans are dropped, and counted."""

from collections.abc import Callable, Mapping
from typing import Protocol

from observekit.errors import ConfigError
from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import ready


class _Engine(Protocol):
    @property
    def fills(self) -> Mapping[str, Callable[[], float]]:
        """How full each queue is."""
        ...


class HasQueues(Protocol):
    """What setup() and instrument() return."""

    @property
    def engine(self) -> _Engine:
        """What knows the queues."""
        ...


def telemetry(kit: HasQueues, *, max_ratio: float = 0.9) -> CheckFunction:
    """Return a check that neither the log buffer nor the queue of spans is about to be full.

    Args:
        kit: What setup() or instrument() returned.
        max_ratio: How full they may be.

    Raises:
        ConfigError: If that is no share.
    """
    if not 0 < max_ratio <= 1:
        raise ConfigError(f"max_ratio is {max_ratio!r}, but must be above 0 and at most 1, like 0.9.")

    def ask() -> None:
        full = [f"{name} {fill():.0%}" for name, fill in kit.engine.fills.items() if fill() > max_ratio]
        if full:
            raise OverflowError(f"nearly full: {', '.join(full)}")

    return ready(ask, "telemetry", criticality="degraded")
