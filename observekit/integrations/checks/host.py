"""What this instance has of its host: disk space, a directory to write to, memory, and a loop that turns."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Final

from observekit.errors import ConfigError
from observekit.health.check import CheckFunction
from observekit.integrations.checks.ready import ready
from observekit.metrics.saturation import Saturation

_MEBIBYTE: Final = 1024 * 1024


def disk_space(
    path: str | os.PathLike[str], *, min_free_bytes: int = 100 * _MEBIBYTE, min_free_ratio: float = 0.0
) -> CheckFunction:
    """Return a check that there is room on the file system of *path*, for users who are not root.

    Args:
        path: A directory or file on it.
        min_free_bytes: So much must be free.
        min_free_ratio: And this share of all of it, from 0 to 1.

    Raises:
        ConfigError: If the share is none.
    """
    if not 0 <= min_free_ratio <= 1:
        raise ConfigError(f"min_free_ratio is {min_free_ratio!r}, but must be from 0 to 1, like 0.05.")

    def ask() -> None:
        found = os.statvfs(path)
        free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        if free < max(min_free_bytes, whole * min_free_ratio):
            raise OSError(f"{free // _MEBIBYTE} MiB of {whole // _MEBIBYTE} MiB are free")

    return ready(ask, "disk_space")


def writable(directory: str | os.PathLike[str]) -> CheckFunction:
    """Return a check that a file can be written, and read again, in *directory*; it leaves none behind."""

    def ask() -> None:
        with tempfile.TemporaryFile(dir=Path(directory), prefix=".observekit-") as file:
            file.write(b"ok")
            file.flush()
            file.seek(0)
            if file.read() != b"ok":
                raise OSError(f"what was written in {directory} is not there")

    return ready(ask, "writable")


def memory(*, max_ratio: float = 0.95) -> CheckFunction:
    """Return a check that the process's cgroup is not about to be killed; it passes where there is no limit.

    Args:
        max_ratio: So much of the limit may be in use, less the file cache that can be dropped at once.

    Raises:
        ConfigError: If that is no share.
    """
    if not 0 < max_ratio <= 1:
        raise ConfigError(f"max_ratio is {max_ratio!r}, but must be above 0 and at most 1, like 0.95.")
    saturation = Saturation()

    def ask() -> None:
        used = next((value for _, value in saturation.memory_usage_bytes()), 0.0)
        limit = next((value for _, value in saturation.memory_limit_bytes()), None)
        if limit is not None and used > limit * max_ratio:
            raise MemoryError(f"{used / limit:.0%} of {limit / _MEBIBYTE:.0f} MiB are in use")

    return ready(ask, "memory", criticality="degraded")


def event_loop(*, max_lag_seconds: float = 0.5) -> CheckFunction:
    """Return a check that the application's event loop comes round in time.

    It sees a loop that is slow; one that is stuck is seen by the ops port without any check.

    Args:
        max_lag_seconds: So long may a turn take.
    """

    async def ask() -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # trio's, which had its turn by now.
            return
        before = loop.time()
        await asyncio.sleep(0)
        lag = loop.time() - before
        if lag > max_lag_seconds:
            raise TimeoutError(f"a turn of the event loop took {lag:.3f} s")

    return ready(ask, "event_loop")
