"""Readiness and the life of processes, instance by instance."""

from observekit.catalogue.metrics import HEALTH_CHECK_STATUS, LIFECYCLE_STATE, STARTUP_PROGRESS
from observekit.catalogue.operations import JOB_LAST_SUCCESS, JOB_PERIOD
from observekit.catalogue.process import PROCESS_START_TIME
from observekit.dashboards.conditions import JOB, changes, seconds_since
from observekit.dashboards.limits import CHECK_STATUS, NONE_WANTED, READY, SOME
from observekit.dashboards.looks import StateTimeline
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.plain import PER_INSTANCE, coloured_by, lines, numbers
from observekit.dashboards.promql import (
    WHOLE_RANGE,
    is_zero,
    max_by,
    min_by,
    now,
    sum_by,
    where_present,
)
from observekit.dashboards.scope import HERE, IDENTITY
from observekit.dashboards.series import TARGET, Matcher, samples

_READINESS = samples(
    HEALTH_CHECK_STATUS, *HERE, Matcher("probe", "=", "readiness"), Matcher("criticality", "=", "required")
)


def readiness() -> Row:
    """Return the row that tells whether requests are taken."""
    return Row("Readiness", (_ready(), _failing(), _restarts(), _by_instance()))


def life() -> Row:
    """Return the row on starts and ends."""
    return Row("Life of the processes", (_states(), _age(), _starting(), _jobs()))


def _ready() -> Panel:
    ready = now(samples(LIFECYCLE_STATE, *HERE, Matcher("state", "=", "ready")))
    processes = numbers(
        "Processes ready",
        "Processes that answer scrapes, by whether their life cycle says ready. Not ready for long: one that "
        "starts and does not get there, or one that drains and does not end; see below which.",
        "short",
        (sum_by(ready), "ready"),
        (sum_by(is_zero(ready)), "not ready"),
        width=8,
        thresholds=SOME,
    )
    return coloured_by(processes, "not ready", NONE_WANTED)


def _failing() -> Panel:
    return numbers(
        "Instances out of traffic",
        "Instances on which a required readiness check fails, so that they get no requests. All of them at "
        "once: the dependency that they share.",
        "short",
        (sum_by(is_zero(min_by(now(_READINESS), *TARGET))), ""),
        width=8,
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="no checks, or nothing is scraped"),
    )


def _restarts() -> Panel:
    started = where_present(changes(samples(PROCESS_START_TIME, *HERE), WHOLE_RANGE), IDENTITY, "5m")
    return numbers(
        "Restarts in this time range",
        "Starts of processes that kept their name; pods with new names do not show here. More than "
        "deployments explain: the last log lines before each end say why.",
        "short",
        (sum_by(started), ""),
        width=8,
    )


def _by_instance() -> Panel:
    return Panel(
        title="Readiness by instance",
        description=(
            "The worst required readiness check of each instance. Red is out of traffic. Red and green in "
            "turns is flapping: give the check more time or the dependency more room."
        ),
        unit="none",
        look=StateTimeline(),
        targets=(Target(query=min_by(now(_READINESS), *TARGET), legend=PER_INSTANCE),),
        width=24,
        thresholds=CHECK_STATUS,
        scale=Scale(empty="no checks"),
        meanings=(("0", "failed", "red"), ("0.5", "degraded", "yellow"), ("1", "ok", "green")),
    )


def _states() -> Panel:
    ready = now(samples(LIFECYCLE_STATE, *HERE, Matcher("state", "=", "ready")))
    return Panel(
        title="Life cycle by instance",
        description=(
            "Green while all processes of the instance are ready; else they start, drain or are broken, as "
            "Instances by lifecycle state tells. A gap is an instance that does not answer."
        ),
        unit="none",
        look=StateTimeline(),
        targets=(Target(query=min_by(ready, *TARGET), legend=PER_INSTANCE),),
        width=12,
        thresholds=READY,
        scale=Scale(empty="none"),
        meanings=(("0", "not ready", "yellow"), ("1", "ready", "green")),
    )


def _age() -> Panel:
    age = where_present(seconds_since(samples(PROCESS_START_TIME, *HERE)), IDENTITY, "5m")
    return lines(
        "Time since the start by instance",
        "A saw tooth is an instance that is restarted again and again. All at the bottom at once is a "
        "deployment, or the host.",
        "s",
        (max_by(age, *TARGET), PER_INSTANCE),
    )


def _starting() -> Panel:
    progress = now(samples(STARTUP_PROGRESS, *HERE))
    return lines(
        "Progress of start-up tasks",
        "How much of each task is done on the instance that is furthest behind. A line that does not move "
        "is what a process that stays in starting waits for.",
        "percentunit",
        (min_by(progress, "job", "task"), "{{job}} {{task}}"),
        scale=Scale(lowest=0, highest=1, empty="no start-up tasks"),
    )


def _jobs() -> Panel:
    since = min_by(seconds_since(samples(JOB_LAST_SUCCESS, *HERE)), *JOB, "job_name")
    period = max_by(now(samples(JOB_PERIOD, *HERE)), *JOB, "job_name")
    return lines(
        "Time since the last success of a job",
        "How long ago each job ended well on some instance, and how often it has to, where it says so "
        "(every_seconds). A slope above that is a job that fails or is not started: see 'Operations by "
        "outcome' on the service board.",
        "s",
        (since, "{{job}} {{job_name}}"),
        (period, "{{job}} {{job_name}} has to every"),
        scale=Scale(lowest=0, empty="no jobs"),
    )
