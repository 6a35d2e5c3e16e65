"""Metric families of prometheus-client's own collectors, listed because boards and rules stand on them."""

from typing import Final

from observekit.catalogue.specs import MetricSpec

PROCESS_CPU: Final = MetricSpec(
    name="process_cpu_seconds_total",
    kind="counter",
    unit="seconds",
    help="User and system CPU time spent by the process.",
    origin="prometheus_client",
    across="worker",
)
PROCESS_MEMORY: Final = MetricSpec(
    name="process_resident_memory_bytes",
    kind="gauge",
    unit="bytes",
    help="Resident memory of the process.",
    origin="prometheus_client",
    across="worker",
)
PROCESS_VIRTUAL_MEMORY: Final = MetricSpec(
    name="process_virtual_memory_bytes",
    kind="gauge",
    unit="bytes",
    help="Virtual memory of the process.",
    origin="prometheus_client",
    across="worker",
)
PROCESS_START_TIME: Final = MetricSpec(
    name="process_start_time_seconds",
    kind="gauge",
    unit="seconds",
    help="When the process started, as a Unix time.",
    origin="prometheus_client",
    across="worker",
)
PROCESS_OPEN_FDS: Final = MetricSpec(
    name="process_open_fds",
    kind="gauge",
    help="Open file descriptors of the process.",
    origin="prometheus_client",
    across="worker",
)
PROCESS_MAX_FDS: Final = MetricSpec(
    name="process_max_fds",
    kind="gauge",
    help="Limit of open file descriptors of the process.",
    origin="prometheus_client",
    across="worker",
)
GC_COLLECTIONS: Final = MetricSpec(
    name="python_gc_collections_total",
    kind="counter",
    help="Times a generation was collected.",
    labels=("generation",),
    values={"generation": ("0", "1", "2")},
    origin="prometheus_client",
    across="worker",
)
GC_OBJECTS_COLLECTED: Final = MetricSpec(
    name="python_gc_objects_collected_total",
    kind="counter",
    help="Objects that the garbage collector freed.",
    labels=("generation",),
    values={"generation": ("0", "1", "2")},
    origin="prometheus_client",
    across="worker",
)
GC_OBJECTS_UNCOLLECTABLE: Final = MetricSpec(
    name="python_gc_objects_uncollectable_total",
    kind="counter",
    help="Objects that the garbage collector found and could not free.",
    labels=("generation",),
    values={"generation": ("0", "1", "2")},
    origin="prometheus_client",
    across="worker",
)
PYTHON_INFO: Final = MetricSpec(
    name="python_info",
    kind="info",
    help="The interpreter: constant 1, the facts are in the labels.",
    labels=("implementation", "major", "minor", "patchlevel", "version"),
    origin="prometheus_client",
    across="one",
)
