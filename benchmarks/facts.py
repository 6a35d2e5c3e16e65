"""What the benchmark ran on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PACKAGES = (
    "observekit",
    "starlette",
    "prometheus-client",
    "structlog",
    "orjson",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-instrumentation-asgi",
    "prometheus-fastapi-instrumentator",
    "starlette-exporter",
    "uvicorn",
    "httptools",
    "uvloop",
)


def today() -> str:
    """Return the date."""
    return datetime.now(UTC).date().isoformat()


def machine() -> str:
    """Return processor, cores, system and Python, in one line."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{_processor()}, {cores} cores, {platform.system()} {platform.release().partition('-')[0]}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def load() -> str:
    """Return how busy the machine was with other things when the run began."""
    return f"{os.getloadavg()[0]:.1f}"


def versions() -> str:
    """Return the versions of all that was measured, in one line."""
    return " · ".join(f"{name} {version(name)}" for name in _PACKAGES)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
