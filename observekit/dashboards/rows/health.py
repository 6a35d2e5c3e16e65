"""Health: what the checks found, and where each process is in its life."""

from observekit.catalogue.metrics import (
    HEALTH_CHECK_DURATION,
    HEALTH_CHECK_LOOP_BLOCKS,
    HEALTH_CHECK_STATUS,
    HEALTH_CHECK_TRANSITIONS,
    LIFECYCLE_STATE,
    MAINTENANCE,
)
from observekit.dashboards.limits import CHECK_DURATION, CHECK_STATUS
from observekit.dashboards.looks import StateTimeline, TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target, coloured
from observekit.dashboards.promql import increase, max_by, min_by, now, quantile, sum_by
from observekit.dashboards.scope import HERE
from observekit.dashboards.series import TARGET, buckets, samples


def health() -> Row:
    """Return the row on health checks and life cycle."""
    return Row("Health", (_checks(), _lifecycle(), _durations(), _changes(), _maintenance()))


def _checks() -> Panel:
    worst = min_by(now(samples(HEALTH_CHECK_STATUS, *HERE)), "probe", "check")
    return Panel(
        title="Health checks",
        description=(
            "The worst result of each check over all instances. Red in readiness takes instances out of "
            "traffic: look at what the check asks. Red in liveness: the process itself is stuck and is "
            "restarted."
        ),
        unit="none",
        look=StateTimeline(),
        targets=(Target(query=worst, legend="{{probe}}: {{check}}"),),
        width=12,
        thresholds=CHECK_STATUS,
        scale=Scale(empty="no checks"),
        meanings=(("0", "failed", "red"), ("0.5", "degraded", "yellow"), ("1", "ok", "green")),
    )


def _lifecycle() -> Panel:
    # Of several workers in one state an instance is one.
    states = max_by(now(samples(LIFECYCLE_STATE, *HERE)), *TARGET, "state")
    return Panel(
        title="Instances by lifecycle state",
        description=(
            "How many instances have a process in each state. Starting for long: a start-up check does not "
            "pass. Draining for long: requests do not end. Broken: the log has an event lifecycle.changed "
            "with the cause."
        ),
        unit="short",
        look=TimeSeries(stacked=True),
        targets=(Target(query=sum_by(states, "state"), legend="{{state}}"),),
        width=6,
        scale=Scale(lowest=0, decimals=0),
        overrides=coloured(starting="blue", ready="green", draining="yellow", stopped="text", broken="red"),
    )


def _changes() -> Panel:
    changes = sum_by(increase(samples(HEALTH_CHECK_TRANSITIONS, *HERE)), "check")
    blocks = sum_by(increase(samples(HEALTH_CHECK_LOOP_BLOCKS, *HERE)), "check")
    return Panel(
        title="Changes of health checks",
        description=(
            "How often a check was taken to say something else than before. A check that goes back and "
            "forth: its dependency comes and goes, or its time is too short. A check that blocks the loop "
            "calls something that is not asynchronous, and every request waits for it."
        ),
        unit="short",
        look=TimeSeries(),
        targets=(
            Target(query=changes, legend="{{check}} changed"),
            Target(query=blocks, legend="{{check}} blocked the loop"),
        ),
        width=18,
        scale=Scale(lowest=0, decimals=0, empty="no checks"),
    )


def _maintenance() -> Panel:
    # Of several workers in maintenance an instance is one.
    asked = max_by(now(samples(MAINTENANCE, *HERE)), *TARGET)
    return Panel(
        title="Instances in maintenance",
        description=(
            "How many instances somebody has asked to stay out of traffic. They stay out until he says "
            "otherwise: the log has an event lifecycle.maintenance_changed with the cause."
        ),
        unit="short",
        look=TimeSeries(),
        targets=(Target(query=sum_by(asked), legend="in maintenance"),),
        width=6,
        scale=Scale(lowest=0, decimals=0),
    )


def _durations() -> Panel:
    return Panel(
        title="Duration of health checks: p95",
        description=(
            "How long each check takes, time-outs included. A check near 0.8 s is about to time out and to "
            "take its instance out of traffic: look at the dependency, or make the check ask less."
        ),
        unit="s",
        look=TimeSeries(limits=True),
        targets=(
            Target(query=quantile(0.95, buckets(HEALTH_CHECK_DURATION, *HERE), "check"), legend="{{check}}"),
        ),
        width=6,
        thresholds=CHECK_DURATION,
        scale=Scale(lowest=0, empty="no checks"),
    )
