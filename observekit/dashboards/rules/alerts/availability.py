"""Is it there: targets, services, restarts, versions."""

from observekit.catalogue.metrics import TARGET_INFO
from observekit.catalogue.process import PROCESS_START_TIME
from observekit.dashboards.conditions import JOB, both, changes, either, neither, where
from observekit.dashboards.promql import Vector, count_by, max_by, now, where_present
from observekit.dashboards.rules.durations import HOUR, MINUTE
from observekit.dashboards.rules.known import known_instances, seen_services
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.shared import INSTANCE, ours
from observekit.dashboards.series import TARGET, UP, samples
from observekit.semconv import SERVICE_VERSION, label

_VERSION = label(SERVICE_VERSION)


def availability(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of what is not there, or not what it should be."""
    return (_target(given), _service(given), _absent(given), _restarts(given), _versions(given))


def _of_known(targets: Vector, given: Parameters) -> Vector:
    return both(targets, known_instances(given).read(*given.here), *TARGET)


def _target(given: Parameters) -> Alert:
    return Alert(
        name="TargetDown",
        severity="warning",
        condition=_of_known(where(now(samples(UP, *given.here)), "==", 0), given),
        pending=given.time(2 * MINUTE),
        summary="An instance has not answered scrapes for 2 minutes.",
        finding=f"{INSTANCE} is to be scraped, has shown metrics of observekit, and does not answer.",
        checks=(
            "Whether the process runs: the last lines of its log, the exit code, the orchestrator's events.",
            "What Prometheus says: the error beside the target on its targets page.",
            "Whether the port answers at all: curl the metrics path from where Prometheus runs.",
        ),
        impact="Its requests fail or go to other instances; nothing else is known about it from now on.",
        remedy="Start it again, or take it out of service discovery if it is meant to be gone.",
        false_alarms={
            "one scrape missed": "Two minutes are several scrapes.",
            "another exporter": "Only targets that have shown observekit's metrics count.",
            "taken out of discovery": "What is not to be scraped any more has no up series.",
        },
    )


def _service(given: Parameters) -> Alert:
    return Alert(
        name="ServiceDown",
        severity="critical",
        condition=_nobody_answers(given),
        pending=given.time(MINUTE),
        summary="No instance of a service has answered scrapes for 1 minute.",
        finding="Of {{ $labels.job }}, not one instance that is to be scraped answers.",
        checks=(
            "Whether a deployment is under way, and what its first new instance logs.",
            "What all instances share: the host, the network, a secret or a database they need to start.",
            "Whether users are served: the load balancer, or a request of your own.",
        ),
        impact="Users are most likely not served at all.",
        remedy="Roll back the last deployment if there was one; else start the service where it can run.",
        false_alarms={
            "one instance of two": "A single instance that answers keeps it silent; see TargetDown.",
            "a quick restart": "A service of one instance may be away for a minute.",
        },
        board="observekit-fleet",
    )


def _nobody_answers(given: Parameters) -> Vector:
    targets = now(samples(UP, *given.here))
    known = where(max_by(_of_known(targets, given), *JOB), "==", 0)
    # Instances that never answered are not known: all that a new version may have left of a service.
    silent = where(max_by(targets, *JOB), "==", 0)
    return either(known, both(silent, seen_services(given).read(*given.here), *JOB))


def _absent(given: Parameters) -> Alert:
    seen = seen_services(given).read(*given.here)
    return Alert(
        name="ServiceAbsent",
        severity="warning",
        condition=neither(seen, now(samples(UP, *given.here)), *JOB),
        pending=given.time(10 * MINUTE),
        summary="A service that was there before has had no targets for 10 minutes.",
        finding=(
            "Prometheus has nothing to scrape for {{ $labels.job }} any more; it showed its last metrics at "
            "{{ $value | humanizeTimestamp }}."
        ),
        checks=(
            "Service discovery: the targets page of Prometheus, labels and ports of the service.",
            "Whether somebody has scaled it to nothing, renamed its job or moved it.",
            "Whether the configuration of Prometheus was changed: its log, its last reload.",
        ),
        impact="Nothing is known about the service, and none of its other alerts can fire.",
        remedy="Mend discovery; silence the alert until it is forgotten if the service is gone on purpose.",
        false_alarms={
            "targets that are down": "They have an up series, and alerts of their own.",
            "discovery pauses": "It has to be gone for 10 minutes.",
            "gone for good": f"It is forgotten after {given.forget_days:g} days, see --forget-days.",
        },
        board="observekit-fleet",
    )


def _restarts(given: Parameters) -> Alert:
    restarted = where_present(
        changes(samples(PROCESS_START_TIME, *given.here), given.time(15 * MINUTE)),
        ours(given),
        given.time(HOUR),
    )
    return Alert(
        name="Restarting",
        severity="warning",
        condition=where(max_by(restarted, *TARGET), ">=", 3),
        pending=given.time(MINUTE),
        keep_firing=given.time(10 * MINUTE),
        summary="A process was started at least 3 times within 15 minutes.",
        finding=f"{INSTANCE} was started {{{{ $value }}}} times within 15 minutes.",
        checks=(
            "The last lines before each end: an exception, an out-of-memory kill, a failing liveness probe.",
            "The exit code and the events of the orchestrator.",
            "Memory against its limit: 'Memory limit in use' on the runtime board.",
        ),
        impact="Requests under way are cut off at each end, and capacity is missing in between.",
        remedy="Roll back if it began with a deployment; give it more memory if it was killed for that.",
        false_alarms={
            "a deployment": "One or two restarts within 15 minutes are no alert.",
            "pods with new names": "A new instance begins a new series; ask the orchestrator for those.",
        },
        board="observekit-runtime",
    )


def _versions(given: Parameters) -> Alert:
    running = where_present(now(samples(TARGET_INFO, *given.here)), ours(given), given.time(5 * MINUTE))
    return Alert(
        name="VersionSkew",
        severity="info",
        condition=where(count_by(count_by(running, *JOB, _VERSION), *JOB), ">", 1),
        pending=given.time(2 * HOUR),
        summary="A service has run more than 1 version for 2 hours.",
        finding="{{ $labels.job }} runs {{ $value }} versions at once.",
        checks=(
            "Which versions run, and which one fails: 'Error ratio by version' on the service board.",
            "Whether a deployment hangs: instances that are not ready, or cannot be scheduled.",
            "Whether both versions may write to the same data.",
        ),
        impact="Users meet one behaviour or the other; a half-done migration may be waiting.",
        remedy="Finish the deployment or take it back. For canaries that stay longer, silence it.",
        false_alarms={
            "a deployment": "Two hours are longer than it takes.",
            "two services": "Versions are compared within one job.",
        },
    )
