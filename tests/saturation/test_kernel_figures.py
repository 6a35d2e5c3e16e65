"""What the kernel shows of limits and waiting is read right; what it does not show is absent."""

import os
from pathlib import Path

from observekit.metrics.saturation import Saturation


def kernel(root: Path, files: dict[str, str]) -> Saturation:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Saturation(root)


def everything(saturation: Saturation) -> dict[str, list[tuple[tuple[str, ...], float]]]:
    names = ("throttled_seconds", "cpu_limit_cores", "memory_usage_bytes", "memory_limit_bytes")
    return {name: list(getattr(saturation, name)()) for name in (*names, "pressure_seconds", "steal_seconds")}


def test_cgroup_v2_is_read_from_the_group_of_the_process(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/kubepods/pod1"
    pressure = (
        "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"
    )

    saturation = kernel(
        tmp_path,
        {
            "proc/self/cgroup": "0::/kubepods/pod1\n",
            "proc/stat": "cpu  1 2 3 4 5 6 7 800 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
            f"{group}/cgroup.controllers": "cpu io memory\n",
            f"{group}/cpu.stat": "usage_usec 9\nnr_throttled 3\nthrottled_usec 2500000\n",
            f"{group}/cpu.max": "150000 100000\n",
            f"{group}/memory.current": "1000\n",
            f"{group}/memory.max": "4096\n",
            f"{group}/memory.stat": "anon 1\ninactive_file 400\n",
            f"{group}/cpu.pressure": pressure.format(1_500_000),
            f"{group}/memory.pressure": pressure.format(0),
        },
    )

    assert everything(saturation) == {
        "throttled_seconds": [((), 2.5)],
        "cpu_limit_cores": [((), 1.5)],
        "memory_usage_bytes": [((), 600.0)],
        "memory_limit_bytes": [((), 4096.0)],
        "pressure_seconds": [(("cpu",), 1.5), (("memory",), 0.0)],
        "steal_seconds": [((), 800 / os.sysconf("SC_CLK_TCK"))],
    }


def test_cgroup_v1_is_read_where_the_host_has_it(tmp_path: Path) -> None:
    mounts = "sys/fs/cgroup"

    saturation = kernel(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/a\n2:cpu,cpuacct:/docker/a\n0::/init.scope\n",
            f"{mounts}/cpu/docker/a/cpu.stat": "nr_periods 5\nnr_throttled 1\nthrottled_time 1500000000\n",
            f"{mounts}/cpu/docker/a/cpu.cfs_quota_us": "50000\n",
            f"{mounts}/cpu/docker/a/cpu.cfs_period_us": "100000\n",
            f"{mounts}/memory/docker/a/memory.limit_in_bytes": "8192\n",
            f"{mounts}/memory/docker/a/memory.usage_in_bytes": "5000\n",
            f"{mounts}/memory/docker/a/memory.stat": "cache 7\ntotal_inactive_file 1000\n",
        },
    )

    assert everything(saturation) == {
        "throttled_seconds": [((), 1.5)],
        "cpu_limit_cores": [((), 0.5)],
        "memory_usage_bytes": [((), 4000.0)],
        "memory_limit_bytes": [((), 8192.0)],
        "pressure_seconds": [],
        "steal_seconds": [],
    }


def test_no_limit_is_no_sample(tmp_path: Path) -> None:
    v2 = kernel(
        tmp_path / "v2",
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/cpu.max": "max 100000\n",
            "sys/fs/cgroup/memory.max": "max\n",
        },
    )
    v1 = kernel(
        tmp_path / "v1",
        {
            "proc/self/cgroup": "4:memory:/\n2:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.stat": "nr_periods 0\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )

    for saturation in (v1, v2):
        assert list(saturation.cpu_limit_cores()) == []
        assert list(saturation.memory_limit_bytes()) == []


def test_a_host_that_shows_nothing_or_nonsense_gives_no_samples(tmp_path: Path) -> None:
    nothing = Saturation(tmp_path / "nothing")
    nonsense = kernel(
        tmp_path / "nonsense",
        {
            "proc/self/cgroup": "0::/\n",
            "proc/stat": "cpu\n",
            "sys/fs/cgroup/cgroup.controllers": "",
            "sys/fs/cgroup/cpu.stat": "throttled_usec many\n",
            "sys/fs/cgroup/cpu.max": "1 0\n",
            "sys/fs/cgroup/memory.current": "much\n",
            "sys/fs/cgroup/cpu.pressure": "full avg10=0.00\n",
        },
    )

    for saturation in (nothing, nonsense):
        assert set(map(tuple, everything(saturation).values())) == {()}


def test_the_kernel_of_this_host_is_read_without_an_error() -> None:
    figures = everything(Saturation())

    assert all(value >= 0 for samples in figures.values() for _, value in samples)
