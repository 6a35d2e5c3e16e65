"""Memory and files: how near the end."""

from observekit.catalogue.process import PROCESS_MAX_FDS, PROCESS_MEMORY, PROCESS_OPEN_FDS
from observekit.catalogue.saturation import CGROUP_MEMORY_LIMIT, CGROUP_MEMORY_USAGE
from observekit.dashboards.limits import FILE_DESCRIPTORS, MEMORY_SHARE
from observekit.dashboards.panels import Panel, Row, Scale
from observekit.dashboards.plain import EACH, PER_INSTANCE, PER_PROCESS, lines
from observekit.dashboards.promql import divided, max_by, now, sum_by, where_present
from observekit.dashboards.scope import HERE, IDENTITY, ON_WORKER
from observekit.dashboards.series import TARGET, samples


def memory() -> Row:
    """Return the row on memory and file descriptors."""
    return Row("Memory and files", (_resident(), _charged(), _near_limit(), _descriptors()))


def _resident() -> Panel:
    resident = where_present(now(samples(PROCESS_MEMORY, *ON_WORKER)), IDENTITY, "5m")
    return lines(
        "Resident memory by process",
        "Memory that is in RAM, of each process. A line that rises over days and never "
        "falls is a leak: compare with the deployments.",
        "bytes",
        (sum_by(resident, *EACH), PER_PROCESS),
    )


def _charged() -> Panel:
    return lines(
        "Memory charged to the container",
        "What counts towards the limit, without file cache that can be dropped. Much more than resident "
        "memory: shared memory, a tmpfs, or other processes in the same container.",
        "bytes",
        (max_by(now(samples(CGROUP_MEMORY_USAGE, *HERE)), *TARGET), PER_INSTANCE),
        scale=Scale(lowest=0, empty="the kernel does not say"),
    )


def _near_limit() -> Panel:
    share = divided(
        max_by(now(samples(CGROUP_MEMORY_USAGE, *HERE)), *TARGET),
        max_by(now(samples(CGROUP_MEMORY_LIMIT, *HERE)), *TARGET),
    )
    return lines(
        "Memory limit in use",
        "Share of the limit; at 100 % the kernel kills the process. Raise the limit or restart in good "
        "order before that. Empty where there is no limit.",
        "percentunit",
        (share, PER_INSTANCE),
        thresholds=MEMORY_SHARE,
        scale=Scale(lowest=0, highest=1, empty="no limit"),
    )


def _descriptors() -> Panel:
    used = divided(now(samples(PROCESS_OPEN_FDS, *ON_WORKER)), now(samples(PROCESS_MAX_FDS, *ON_WORKER)))
    return lines(
        "File descriptors in use by process",
        "Share of the limit. At 100 % no connection can be accepted or made. A line that only rises is a "
        "connection or file that is not closed; raise the limit meanwhile.",
        "percentunit",
        (max_by(where_present(used, IDENTITY, "5m"), *EACH), PER_PROCESS),
        thresholds=FILE_DESCRIPTORS,
        scale=Scale(lowest=0, highest=1),
    )
