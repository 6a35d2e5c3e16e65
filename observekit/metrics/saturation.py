"""How close the process is to what the kernel gives it; what the kernel does not show is absent."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

Reading = Iterator[tuple[tuple[str, ...], float]]

_MICROSECONDS: Final = 1_000_000
_NANOSECONDS: Final = 1_000_000_000
# Source: cgroup v1 writes "no limit" as the largest multiple of the page size, cgroup v2 as "max".
_UNLIMITED_BYTES: Final = 2**60
_PRESSURES: Final = ("cpu", "io", "memory")
_STEAL_FIELD: Final = 8


class Saturation:
    """Reads cgroup, pressure and steal figures below *root*, a directory that has ``sys`` and ``proc``.

    Both generations of cgroups are read; where a process is in both, as on hybrid hosts, v2 comes first.
    """

    __slots__ = ("_proc", "_v1", "_v2")

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        mounts = root / "sys/fs/cgroup"
        groups = dict(_groups(self._proc / "self/cgroup"))
        self._v2 = _inside(mounts, groups.get(""), "cgroup.controllers")
        self._v1 = {
            name: _inside(
                mounts / name, groups.get(name), f"{name}.stat" if name == "cpu" else f"{name}.limit_in_bytes"
            )
            for name in ("cpu", "memory")
        }

    def throttled_seconds(self) -> Reading:
        """Yield the time the CPU quota kept the process waiting."""
        yield from _first(
            lambda: _field(self._v2, "cpu.stat", "throttled_usec", _MICROSECONDS),
            lambda: _field(self._v1["cpu"], "cpu.stat", "throttled_time", _NANOSECONDS),
        )

    def cpu_limit_cores(self) -> Reading:
        """Yield the CPU quota in cores; nothing where there is none."""
        yield from _first(self._quota_v2, self._quota_v1)

    def memory_usage_bytes(self) -> Reading:
        """Yield the memory charged to the process's group, less the file cache it can drop at once."""
        yield from _first(
            lambda: _working_set(self._v2, "memory.current", "inactive_file"),
            lambda: _working_set(self._v1["memory"], "memory.usage_in_bytes", "total_inactive_file"),
        )

    def memory_limit_bytes(self) -> Reading:
        """Yield the limit at which the kernel kills; nothing where there is none."""
        for _, limit in _first(
            lambda: _number(self._v2, "memory.max"),
            lambda: _number(self._v1["memory"], "memory.limit_in_bytes"),
        ):
            if limit < _UNLIMITED_BYTES:
                yield (), limit

    def pressure_seconds(self) -> Reading:
        """Yield the time in which some task of the group, or of the host, waited for a resource."""
        for resource in _PRESSURES:
            text = _text(self._v2, f"{resource}.pressure") or _text(self._proc / "pressure", resource)
            total = _pressure(text)
            if total is not None:
                yield (resource,), total / _MICROSECONDS

    def steal_seconds(self) -> Reading:
        """Yield the time the hypervisor gave the host's CPUs to others."""
        fields = (_text(self._proc, "stat") or "").partition("\n")[0].split()
        if len(fields) > _STEAL_FIELD and fields[0] == "cpu":
            yield (), int(fields[_STEAL_FIELD]) / os.sysconf("SC_CLK_TCK")

    def _quota_v2(self) -> float | None:
        words = (_text(self._v2, "cpu.max") or "").split()
        return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != "max" else None  # noqa: PLR2004

    def _quota_v1(self) -> float | None:
        quota = _number(self._v1["cpu"], "cpu.cfs_quota_us")
        period = _number(self._v1["cpu"], "cpu.cfs_period_us")
        return quota / period if quota is not None and period and quota > 0 else None


def _first(*reads: Callable[[], float | None]) -> Reading:
    """Yield the first reading that the kernel gives."""
    for read in reads:
        try:
            value = read()
        except (ValueError, ZeroDivisionError):
            continue
        if value is not None:
            yield (), value
            return


def _groups(file: Path) -> Iterator[tuple[str, str]]:
    """Yield controller and path of each group the process is in; the controller of v2 is empty."""
    for line in (_text(file.parent, file.name) or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            yield controller, path


def _inside(mount: Path, group: str | None, witness: str) -> Path | None:
    """Return the directory of *group*, which in a container may be the mount itself."""
    if group is None:
        return None
    for place in (mount / group.lstrip("/"), mount):
        if (place / witness).exists():
            return place
    return None


def _text(directory: Path | None, name: str) -> str | None:
    if directory is None:
        return None
    try:
        return (directory / name).read_text()
    except (OSError, UnicodeDecodeError):
        return None


def _number(directory: Path | None, name: str) -> float | None:
    text = (_text(directory, name) or "max").strip()
    return None if text == "max" else float(text)


def _working_set(directory: Path | None, usage: str, droppable: str) -> float | None:
    # Source: the kubelet and cAdvisor call this the working set, and evict by it.
    used = _number(directory, usage)
    return None if used is None else max(0.0, used - (_field(directory, "memory.stat", droppable, 1) or 0.0))


def _field(directory: Path | None, name: str, field: str, divisor: int) -> float | None:
    for line in (_text(directory, name) or "").splitlines():
        key, _, value = line.partition(" ")
        if key == field:
            return int(value) / divisor
    return None


def _pressure(text: str | None) -> int | None:
    for line in (text or "").splitlines():
        if line.startswith("some "):
            return int(line.rpartition("total=")[2])
    return None
