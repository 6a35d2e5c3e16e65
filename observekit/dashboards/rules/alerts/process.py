"""Saturation: what runs out before the service fails."""

from observekit.catalogue.metrics import CLOCK
from observekit.catalogue.process import PROCESS_MAX_FDS, PROCESS_OPEN_FDS
from observekit.catalogue.saturation import (
    CGROUP_CPU_LIMIT,
    CGROUP_MEMORY_LIMIT,
    CGROUP_MEMORY_USAGE,
    CGROUP_THROTTLED,
    EVENT_LOOP_LAG,
    EVENT_LOOP_STALLS,
)
from observekit.dashboards.conditions import clock_offset, where
from observekit.dashboards.promql import divided, increase, max_by, now, quantile, rate, sum_by, where_present
from observekit.dashboards.rules.durations import MINUTE
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.shared import INSTANCE, ours
from observekit.dashboards.series import TARGET, buckets, samples

_BOARD = "observekit-runtime"


def process(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of what runs out."""
    return (
        _lag(given),
        _stalls(given),
        _throttled(given),
        _memory(given),
        _descriptors(given),
        _clock(given),
    )


def _lag(given: Parameters) -> Alert:
    late = quantile(0.99, buckets(EVENT_LOOP_LAG, *given.here), *TARGET, window=given.time(5 * MINUTE))
    return Alert(
        name="EventLoopLagging",
        severity="warning",
        # Source: what holds the loop for a quarter of a second is counted as a stall.
        condition=where(late, ">", 0.25),
        pending=given.time(5 * MINUTE),
        summary="The event loop has been more than 0.25 s late, in 1 % of the looks at it, for 5 minutes.",
        finding=f"{INSTANCE}: the 99th percentile of the loop's lag is {{{{ $value | humanizeDuration }}}}.",
        checks=(
            "What holds the loop: the event event_loop.stalled in the log has the stack.",
            "Whether it wants more CPU: 'Time kept waiting by the CPU quota' on the runtime board.",
            "Whether a synchronous call is made from an async handler since the last deployment.",
        ),
        impact="Every request of the process waits, also those that have nothing to do with the cause.",
        remedy="Move blocking work to a thread or another process; add workers if it is honest load.",
        false_alarms={
            "one stall": "A single one of a second is below 1 % of the looks within 5 minutes.",
            "lag within bounds": "What is late by less than a quarter of a second is slow, not stuck.",
        },
        board=_BOARD,
    )


def _stalls(given: Parameters) -> Alert:
    stalls = increase(samples(EVENT_LOOP_STALLS, *given.here), given.time(15 * MINUTE))
    return Alert(
        name="EventLoopStalled",
        severity="warning",
        condition=where(sum_by(stalls, *TARGET), ">=", 3),
        pending=given.time(MINUTE),
        summary=(
            "The event loop has stood still for a quarter of a second at least 3 times within 15 minutes."
        ),
        finding=(
            f"{INSTANCE}: the event loop stood still {{{{ $value | humanize }}}} times within 15 minutes."
        ),
        checks=(
            "Where it stood: the event event_loop.stalled in the log has the stack.",
            "Whether it is the garbage collector: 'Garbage collections by generation' on the runtime board.",
            "Whether the machine gives it no CPU: throttling, pressure, steal.",
        ),
        impact="Some requests take a quarter of a second longer, for no reason that they know of.",
        remedy="Move what the stack shows out of the loop.",
        false_alarms={
            "the start of a process": "One or two stalls, as imports make them, are no alert.",
            "a restart": "A counter that begins again at nothing is no stall.",
        },
        board=_BOARD,
    )


def _throttled(given: Parameters) -> Alert:
    waited = max_by(rate(samples(CGROUP_THROTTLED, *given.here), given.time(5 * MINUTE)), *TARGET)
    cores = max_by(now(samples(CGROUP_CPU_LIMIT, *given.here)), *TARGET)
    return Alert(
        name="CpuThrottled",
        severity="warning",
        # Source: cpu.stat adds the time up over CPUs, so what the quota allows is what it is measured by.
        condition=where(divided(waited, cores), ">", 0.25),
        pending=given.time(15 * MINUTE),
        summary="The CPU quota has kept a process waiting more than 25 % of the time for 15 minutes.",
        finding=(
            f"{INSTANCE}: for each core of its quota, it was kept waiting "
            "{{ $value | humanizePercentage }} of the time."
        ),
        checks=(
            "Whether it does more: 'Requests by route' on the service board.",
            "Whether it starts more threads or workers than it has cores.",
            "Whether the quota was lowered.",
        ),
        impact="Latency rises in steps of the scheduler's period, usually a tenth of a second.",
        remedy="Raise the quota, add instances, or take the work out.",
        false_alarms={
            "no quota": "Without one there is nothing to be divided by.",
            "a burst": "It has to go on for 15 minutes.",
        },
        board=_BOARD,
    )


def _memory(given: Parameters) -> Alert:
    used = max_by(now(samples(CGROUP_MEMORY_USAGE, *given.here)), *TARGET)
    limit = max_by(now(samples(CGROUP_MEMORY_LIMIT, *given.here)), *TARGET)
    return Alert(
        name="MemoryNearLimit",
        severity="warning",
        condition=where(divided(used, limit), ">", 0.9),
        pending=given.time(5 * MINUTE),
        summary="More than 90 % of the memory limit has been in use for 5 minutes.",
        finding=(
            f"{INSTANCE}: {{{{ $value | humanizePercentage }}}} of the limit is in use, without file cache."
        ),
        checks=(
            "Whether it only rises, over days: 'Resident memory by process' on the runtime board.",
            "Whether traffic or large bodies explain it.",
            "Whether several workers share the limit.",
        ),
        impact="At 100 % the kernel kills the process, with all requests under way.",
        remedy="Raise the limit or restart it in good order before the kernel does; then look for the leak.",
        false_alarms={
            "no limit": "Without one there is nothing to be divided by.",
            "file cache": "What the kernel can drop at once does not count.",
            "a short peak": "It has to last for 5 minutes.",
        },
        board=_BOARD,
    )


def _descriptors(given: Parameters) -> Alert:
    used = divided(
        max_by(now(samples(PROCESS_OPEN_FDS, *given.here)), *TARGET),
        max_by(now(samples(PROCESS_MAX_FDS, *given.here)), *TARGET),
    )
    return Alert(
        name="FileDescriptorsNearLimit",
        severity="warning",
        condition=where(where_present(used, ours(given), given.time(5 * MINUTE)), ">", 0.8),
        pending=given.time(10 * MINUTE),
        summary="More than 80 % of the file descriptors of a process have been open for 10 minutes.",
        finding=f"{INSTANCE}: {{{{ $value | humanizePercentage }}}} of the file descriptors are open.",
        checks=(
            "What is open: ls -l /proc/PID/fd, mostly sockets of one peer or one file.",
            "Whether connections are closed: clients without a pool, responses that are not read.",
            "Whether the number follows the connections of clients, as with WebSockets.",
        ),
        impact="At 100 % no connection can be accepted or made, and no file opened.",
        remedy="Raise the limit for now (LimitNOFILE, ulimit -n); then close what is left open.",
        false_alarms={
            "another exporter": "Only processes with observekit count, not Prometheus itself.",
            "a short peak": "It has to last for 10 minutes.",
        },
        board=_BOARD,
    )


def _clock(given: Parameters) -> Alert:
    offset = max_by(clock_offset(samples(CLOCK, *given.here)), *TARGET)
    return Alert(
        name="ClockSkew",
        severity="warning",
        # Source: a scrape may take 10 s, so that a smaller offset may be one of the way.
        condition=where(offset, ">", 15),
        pending=given.time(5 * MINUTE),
        summary=(
            "The clock of an instance has differed from that of Prometheus by more than 15 s for 5 minutes."
        ),
        finding=f"{INSTANCE}: the clocks differ by {{{{ $value | humanizeDuration }}}}.",
        checks=(
            "Whether other instances on the same host differ too: then it is the host.",
            "Whether the host synchronises its clock: timedatectl, chronyc tracking.",
            "Whether all instances differ: then it is the clock of Prometheus.",
        ),
        impact="Logs and traces of one request do not fit together, and tokens expire too soon or too late.",
        remedy="Let the host synchronise its clock.",
        false_alarms={"a slow scrape": "A page may be 10 s old when it arrives."},
        board=_BOARD,
    )
