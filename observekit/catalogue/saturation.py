"""Metrics of what a process is short of: its event loop, and what the kernel grants it."""

from typing import Final

from observekit.catalogue.specs import MetricSpec

# Source: what is late by less than 1 ms nobody feels; 0.25 s is a stall; probes wait 1 s.
LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

EVENT_LOOP_LAG: Final = MetricSpec(
    name="asyncio_event_loop_lag_seconds",
    kind="histogram",
    unit="seconds",
    help="How late the event loop ran a timer that was due, ten times a second.",
    buckets=LAG_BUCKETS,
    across="worker",
)
EVENT_LOOP_STALLS: Final = MetricSpec(
    name="asyncio_event_loop_stalls_total",
    kind="counter",
    help="Times the event loop ran nothing for a quarter of a second or longer.",
    across="worker",
)
ASYNCIO_TASKS: Final = MetricSpec(
    name="asyncio_tasks",
    kind="gauge",
    help="Tasks of the event loop that are not done.",
    across="worker",
)
PYTHON_THREADS: Final = MetricSpec(
    name="python_threads",
    kind="gauge",
    help="Threads of the interpreter.",
    across="worker",
)
CGROUP_THROTTLED: Final = MetricSpec(
    name="process_cgroup_cpu_throttled_seconds_total",
    kind="counter",
    unit="seconds",
    help="Time the CPU quota kept the process waiting; absent where the kernel does not say.",
    across="one",
)
CGROUP_CPU_LIMIT: Final = MetricSpec(
    name="process_cgroup_cpu_limit_cores",
    kind="gauge",
    unit="cores",
    help="CPU quota of the process in cores; absent where there is none.",
    across="one",
)
CGROUP_MEMORY_USAGE: Final = MetricSpec(
    name="process_cgroup_memory_usage_bytes",
    kind="gauge",
    unit="bytes",
    help="Memory charged to the process, less the file cache that can be dropped at once.",
    across="one",
)
CGROUP_MEMORY_LIMIT: Final = MetricSpec(
    name="process_cgroup_memory_limit_bytes",
    kind="gauge",
    unit="bytes",
    help="Memory at which the kernel kills; absent where there is no limit.",
    across="one",
)
PRESSURE: Final = MetricSpec(
    name="process_pressure_waiting_seconds_total",
    kind="counter",
    unit="seconds",
    help="Time in which some task waited for a resource; absent where the kernel does not say.",
    labels=("resource",),
    across="one",
)
STEAL: Final = MetricSpec(
    name="system_cpu_steal_seconds_total",
    kind="counter",
    unit="seconds",
    help="Time the hypervisor gave the CPUs of the host to others.",
    across="one",
)
