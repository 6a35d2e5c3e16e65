"""What requests say: their absence, and those that nobody waited for."""

from observekit.catalogue.metrics import REQUEST_DURATION, REQUESTS_ABORTED
from observekit.dashboards.conditions import JOB, both, either, neither, where
from observekit.dashboards.promql import Vector, count_by, divided, increase, now, scaled, sum_by
from observekit.dashboards.rules.durations import DAY, MINUTE
from observekit.dashboards.rules.known import busy_services
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.shared import in_state
from observekit.dashboards.series import counts, samples

# Source: a proxy that gives up, or impatience, is rarely below a twentieth; ten give the share a meaning.
_ABORTED_SHARE = 0.05
_ABORTED_LEAST = 20


def traffic(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of requests that do not come or do not end well."""
    return (_stopped(given), _aborted(given))


def _stopped(given: Parameters) -> Alert:
    busy = both(_none(given), busy_services(given).read(*given.here), *JOB)
    usual = either(_none(given, DAY), _none(given, 7 * DAY))
    return Alert(
        name="TrafficStopped",
        severity="warning",
        condition=neither(busy, usual, *JOB),
        pending=given.time(5 * MINUTE),
        summary="A service with at least 60 requests in the hour before has had none for 15 minutes.",
        finding="{{ $labels.job }} runs and answers scrapes, but no request has come for 15 minutes.",
        checks=(
            "What sends the traffic: load balancer, DNS, certificate, the service in front.",
            "Whether instances are out of traffic: 'Readiness by instance' on the health board.",
            "Whether it was moved on purpose: a switch to another region, a paused client.",
        ),
        impact="Users do not reach the service, and no error of it will say so.",
        remedy="Send a request of your own along the way of the users, and mend where it ends.",
        false_alarms={
            "hardly any traffic": "Below 60 requests in the hour before it says nothing.",
            "the end of the day": "It is silent where no request came at this time a day or a week ago; "
            "so it ends after a day at the latest.",
            "another exporter": "Only services that have shown observekit's metrics count.",
            "a service that is down": "Without scrapes there is no number; see ServiceDown.",
        },
    )


def _none(given: Parameters, before: float = 0) -> Vector:
    """Return 0 for each service that was there *before* seconds ago, and had no request in 15 minutes."""
    offset = given.time(before) if before else ""
    came = increase(counts(REQUEST_DURATION, *given.here), given.time(15 * MINUTE), before=offset)
    # The first request begins the series, so a process that was started since has none to stand still.
    ready = where(now(in_state("ready", given), before=offset), "==", 1)
    return where(either(sum_by(came, *JOB), scaled(0, count_by(ready, *JOB))), "==", 0)


def _aborted(given: Parameters) -> Alert:
    window = given.time(10 * MINUTE)
    aborted = sum_by(increase(samples(REQUESTS_ABORTED, *given.here), window), *JOB)
    everything = sum_by(increase(counts(REQUEST_DURATION, *given.here), window), *JOB)
    return Alert(
        name="RequestsAborted",
        severity="warning",
        condition=both(
            where(divided(aborted, everything), ">", _ABORTED_SHARE), where(aborted, ">=", _ABORTED_LEAST)
        ),
        pending=given.time(10 * MINUTE),
        summary="More than 5 % of the requests, at least 20, have ended before their answer was complete.",
        finding=(
            "{{ $labels.job }}: {{ $value | humanizePercentage }} of the requests of 10 minutes ended early, "
            "because the client left or the request was cancelled."
        ),
        checks=(
            "Which route and why: 'Aborted requests by route and reason' on the service board.",
            "Whether requests take longer than clients or proxies wait: 'p95 by route' on the service board.",
            "Whether instances end in the middle: restarts, drains that are too short.",
        ),
        impact="Users have waited in vain; what was done for them may be done twice when they try again.",
        remedy="Make the slow route quick or the patience in front of it longer; drain before a stop.",
        false_alarms={
            "few requests": "Fewer than 20 aborted ones in 10 minutes are no alert.",
            "a share within bounds": "Up to 5 % of the requests may end early.",
        },
    )
