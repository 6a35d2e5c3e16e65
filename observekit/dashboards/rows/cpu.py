"""CPU: what is used, what is withheld."""

from observekit.catalogue.process import PROCESS_CPU
from observekit.catalogue.saturation import CGROUP_CPU_LIMIT, CGROUP_THROTTLED, PRESSURE, STEAL
from observekit.dashboards.limits import CPU_CORES, PRESSURE_SHARE, THROTTLED
from observekit.dashboards.panels import Panel, Row, Scale
from observekit.dashboards.plain import EACH, PER_INSTANCE, PER_PROCESS, lines
from observekit.dashboards.promql import divided, max_by, now, rate, where_present
from observekit.dashboards.scope import HERE, IDENTITY, ON_WORKER
from observekit.dashboards.series import TARGET, samples

_UNKNOWN = Scale(lowest=0, empty="the kernel does not say")


def cpu() -> Row:
    """Return the row on CPU."""
    return Row("CPU", (_used(), _throttled(), _pressure(), _steal()))


def _used() -> Panel:
    used = where_present(rate(samples(PROCESS_CPU, *ON_WORKER)), IDENTITY, "5m")
    return lines(
        "CPU cores in use by process",
        "Cores that each process keeps busy. Near one, Python code of that process "
        "waits for itself: add workers or instances, or profile it.",
        "short",
        (max_by(used, *EACH), PER_PROCESS),
        thresholds=CPU_CORES,
    )


def _throttled() -> Panel:
    waited = max_by(rate(samples(CGROUP_THROTTLED, *HERE)), *TARGET)
    cores = max_by(now(samples(CGROUP_CPU_LIMIT, *HERE)), *TARGET)
    return lines(
        "Time kept waiting by the CPU quota",
        "Share of the time, for each core of the quota. It shows as latency in steps of a tenth of a "
        "second: raise the quota, or start fewer threads and workers. Empty without a quota.",
        "percentunit",
        (divided(waited, cores), PER_INSTANCE),
        thresholds=THROTTLED,
        scale=Scale(lowest=0, empty="no quota"),
    )


def _pressure() -> Panel:
    return lines(
        "Time waited for a resource",
        "Share of the time in which some task of the machine or container waited for CPU, memory or disk "
        "(pressure stall information). High for cpu: too much on one machine. High for memory: it is "
        "swapping or evicting.",
        "percentunit",
        (max_by(rate(samples(PRESSURE, *HERE)), *TARGET, "resource"), f"{{{{resource}}}} {PER_INSTANCE}"),
        thresholds=PRESSURE_SHARE,
        scale=_UNKNOWN,
    )


def _steal() -> Panel:
    return lines(
        "CPU taken by the hypervisor",
        "Cores that the hypervisor gave to others while this machine wanted them. Nothing in the service "
        "helps: move it to another machine or class of machines.",
        "short",
        (max_by(rate(samples(STEAL, *HERE)), *TARGET), PER_INSTANCE),
        scale=_UNKNOWN,
    )
