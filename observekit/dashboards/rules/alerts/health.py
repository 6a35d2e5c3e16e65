"""What the service says about itself: readiness, checks, life cycle."""

from observekit.catalogue.metrics import HEALTH_CHECK_STATUS
from observekit.dashboards.conditions import JOB, changes, either, where
from observekit.dashboards.promql import max_by, min_by, now
from observekit.dashboards.rules.durations import MINUTE
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.shared import INSTANCE, in_state
from observekit.dashboards.series import TARGET, Matcher, samples
from observekit.semconv import WORKER

_BOARD = "observekit-health"
_READINESS = Matcher("probe", "=", "readiness")
_REQUIRED = Matcher("criticality", "=", "required")
_OPTIONAL = Matcher("criticality", "!=", "required")
_LIVENESS = Matcher("probe", "=", "liveness")


def health(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of what services say about their own state."""
    return (
        _not_ready(given),
        _none_ready(given),
        _check_failing(given),
        _flapping(given),
        _starting(given),
        _draining(given),
        _broken(given),
    )


def _not_ready(given: Parameters) -> Alert:
    checks = samples(HEALTH_CHECK_STATUS, _READINESS, _REQUIRED, *given.here)
    return Alert(
        name="ReadinessFailing",
        severity="warning",
        condition=where(min_by(now(checks), *TARGET, "check"), "==", 0),
        pending=given.time(2 * MINUTE),
        summary="A required readiness check has failed for 2 minutes; its instance gets no traffic.",
        finding=f"{INSTANCE}: the check {{{{ $labels.check }}}} fails.",
        checks=(
            "What the check asks, and whether that is up: 'Health checks' on the health board.",
            "Whether all instances fail it, or this one alone.",
            "What the instance says: its log at that time, or the readiness path with ?verbose.",
        ),
        impact="The instance is out of traffic; the others carry its share.",
        remedy="Repair the dependency. If the service can do without it, make the check degraded.",
        false_alarms={
            "a short failure": "Two minutes outlast a failover.",
            "liveness": "Only required checks of readiness count here.",
            "an optional check": "What is not required keeps no traffic away; see HealthCheckFailing.",
        },
        board=_BOARD,
    )


def _none_ready(given: Parameters) -> Alert:
    checks = samples(HEALTH_CHECK_STATUS, _READINESS, _REQUIRED, *given.here)
    said = either(now(in_state("ready", given)), now(checks))
    # Ready is who is so by its life and by each of its checks: one and the same process.
    ready = min_by(said, *TARGET, WORKER)
    return Alert(
        name="NoInstanceReady",
        severity="critical",
        condition=where(max_by(ready, *JOB), "==", 0),
        pending=given.time(2 * MINUTE),
        summary="Not 1 instance of a service has been ready for 2 minutes.",
        finding="Of {{ $labels.job }}, no instance that answers scrapes is ready to take requests.",
        checks=(
            "Which check fails on all of them: 'Health checks' on the health board.",
            "Whether all start, drain or are broken: 'Instances by lifecycle state' on the health board.",
            "The dependency that they share.",
        ),
        impact="Users are not served.",
        remedy="Repair what they share, or roll back if it came with a deployment.",
        false_alarms={
            "one instance of two": "One that is ready keeps it silent.",
            "a start of a single instance": "Two minutes are longer than it takes; else raise the time.",
        },
        board=_BOARD,
    )


def _check_failing(given: Parameters) -> Alert:
    optional = now(samples(HEALTH_CHECK_STATUS, _READINESS, _OPTIONAL, *given.here))
    alive = now(samples(HEALTH_CHECK_STATUS, _LIVENESS, *given.here))
    return Alert(
        name="HealthCheckFailing",
        severity="warning",
        condition=where(min_by(either(optional, alive), *TARGET, "probe", "check"), "==", 0),
        pending=given.time(5 * MINUTE),
        summary="A check of a dependency or of liveness has failed for 5 minutes.",
        finding=f"{INSTANCE}: the {{{{ $labels.probe }}}} check {{{{ $labels.check }}}} fails.",
        checks=(
            "What the check asks: 'Health checks' on the health board.",
            "Whether other instances and services see the same.",
            "For liveness: why nobody restarts it; it is stuck and says so itself.",
        ),
        impact=(
            "Something that the service can do without for a while is missing; users may notice a part of it."
        ),
        remedy="Repair the dependency; restart an instance whose liveness fails.",
        false_alarms={
            "a short failure": "Five minutes outlast most restarts of a dependency.",
            "a required check": "Those of readiness have an alert of their own.",
            "start-up": "Checks of the start-up are expected to fail at first.",
        },
        board=_BOARD,
    )


def _flapping(given: Parameters) -> Alert:
    checks = samples(HEALTH_CHECK_STATUS, _READINESS, *given.here)
    return Alert(
        name="ReadinessFlapping",
        severity="warning",
        condition=where(max_by(changes(checks, given.time(15 * MINUTE)), *TARGET, "check"), ">=", 6),
        pending=given.time(MINUTE),
        keep_firing=given.time(15 * MINUTE),
        summary="A readiness check has changed its result at least 6 times within 15 minutes.",
        finding=(
            f"{INSTANCE}: the check {{{{ $labels.check }}}} has changed {{{{ $value }}}} times in 15 minutes."
        ),
        checks=(
            "Whether its time is near the limit: 'Duration of health checks: p95' on the health board.",
            "Whether the dependency restarts or loses connections.",
            "Whether the instance is short of CPU or its event loop is stuck.",
        ),
        impact="Traffic moves back and forth, and every move cuts connections and warms caches anew.",
        remedy="Give the check more time, or the dependency more room.",
        false_alarms={
            "a failover": "Away and back are two changes.",
            "changes far apart": "Six changes have to fall into 15 minutes.",
        },
        board=_BOARD,
    )


def _starting(given: Parameters) -> Alert:
    return Alert(
        name="StuckStarting",
        severity="warning",
        condition=where(max_by(now(in_state("starting", given)), *TARGET), "==", 1),
        pending=given.time(5 * MINUTE),
        summary="A process has been starting for 5 minutes.",
        finding=f"{INSTANCE} answers scrapes but is not ready yet.",
        checks=(
            "Which start-up check has not passed: 'Progress of start-up tasks' on the health board.",
            "What the process waits for: its log since the start.",
            "Whether it starts again: 'Time since the start by instance' on the health board.",
        ),
        impact="Its capacity is missing, and a deployment waits for it.",
        remedy="Repair what the start waits for; roll back if only the new version hangs.",
        false_alarms={"an ordinary start": "Five minutes are longer than it takes."},
        board=_BOARD,
    )


def _draining(given: Parameters) -> Alert:
    return Alert(
        name="StuckDraining",
        severity="warning",
        condition=where(max_by(now(in_state("draining", given)), *TARGET), "==", 1),
        pending=given.time(5 * MINUTE),
        summary="A process has been draining for 5 minutes.",
        finding=f"{INSTANCE} takes no new requests and does not end.",
        checks=(
            "What is under way: 'Requests in flight' and 'Open connections by route' on the service board.",
            "Whether work goes on: 'Background work in progress by route' on the service board.",
            "Whether somebody drained it by hand and forgot it.",
        ),
        impact="A deployment waits, and what hangs is cut off when the orchestrator's patience ends.",
        remedy="End it; then find out which request or task did not end.",
        false_alarms={"an ordinary drain": "Five minutes are longer than servers wait for requests."},
        board=_BOARD,
    )


def _broken(given: Parameters) -> Alert:
    return Alert(
        name="LifecycleBroken",
        severity="warning",
        condition=where(max_by(now(in_state("broken", given)), *TARGET), "==", 1),
        pending=given.time(MINUTE),
        summary="A process has been broken for 1 minute: it runs and cannot serve.",
        finding=f"{INSTANCE} has said of itself that it is broken.",
        checks=(
            "The event lifecycle.changed in its log, which names the cause.",
            "Whether other instances follow.",
            "Why it was not restarted: its liveness probe.",
        ),
        impact="It serves nothing until it is restarted.",
        remedy="Restart it, and repair the cause that the log names.",
        false_alarms={"a passing state": "It has to last for a minute."},
        board=_BOARD,
    )
