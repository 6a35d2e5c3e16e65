"""Kits of their own, and what a process looks like from outside."""

import gc
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry import propagate, trace
from prometheus_client import CollectorRegistry

from observekit import Kit, guard, setup

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


@pytest.fixture
def make_kit() -> Iterator[Callable[..., Kit]]:
    """Set up with a registry of its own, and end it with the test."""
    kits: list[Kit] = []

    def make(*given: Any, **settings: Any) -> Kit:
        settings.setdefault("registry", CollectorRegistry())
        kits.append(setup(*given, **settings))
        return kits[-1]

    yield make
    for kit in kits:
        kit.shutdown()


@pytest.fixture
def footprint() -> Callable[[], dict[str, Any]]:
    """Return what there is of a process that setup() could change, when nothing of tests before is left."""
    for thread in threading.enumerate():
        if thread.name.startswith("observekit"):
            thread.join(LONG)
    return _footprint


def _footprint() -> dict[str, Any]:
    gc.collect()
    root = logging.getLogger()
    loggers = {"": root, **logging.Logger.manager.loggerDict}
    return {
        "threads": {one.name for one in threading.enumerate() if one.name.startswith("observekit")},
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "loggers": {
            name: (list(one.handlers), one.level, one.propagate, list(one.filters))
            for name, one in loggers.items()
            if isinstance(one, logging.Logger) and (one.handlers or one.level or not one.propagate)
        },
        "structlog": structlog.get_config(),
        "propagator": propagate.get_global_textmap(),
        "provider": trace.get_tracer_provider(),
        "signals": [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)],
        "reset in forks": len(guard._RESETS),
    }
