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
from opentelemetry import metrics, propagate, trace
from prometheus_client import CollectorRegistry

from observekit import Kit, guard, setup


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
    """Return what there is of a process that setup() could change, and what has come since now."""
    gc.collect()
    threads, descriptors, resets = set(threading.enumerate()), _descriptors(), set(guard._RESETS)

    def measure() -> dict[str, Any]:
        gc.collect()
        return {
            "threads": sorted(_alive(set(threading.enumerate()) - threads)),
            "descriptors": len(_descriptors() - descriptors),
            "resets in forks": len(set(guard._RESETS) - resets),
            "loggers": _loggers(),
            "structlog": structlog.get_config(),
            "propagator": propagate.get_global_textmap(),
            "provider": trace.get_tracer_provider(),
            "meters": metrics.get_meter_provider(),
            "signals": [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)],
        }

    return measure


def _alive(threads: set[threading.Thread]) -> Iterator[str]:
    """Yield the names of threads that do not end by themselves."""
    for thread in threads:
        thread.join(2)
        if thread.is_alive():
            yield thread.name


def _descriptors() -> set[int]:
    return {int(one.name) for one in Path("/proc/self/fd").iterdir()}


def _loggers() -> dict[str, tuple[object, ...]]:
    """Return the loggers that are set up in any way, with how."""
    loggers = {"": logging.getLogger(), **logging.Logger.manager.loggerDict}
    return {
        name: (list(one.handlers), one.level, one.propagate, list(one.filters))
        for name, one in loggers.items()
        if isinstance(one, logging.Logger) and (one.handlers or one.level or not one.propagate)
    }
