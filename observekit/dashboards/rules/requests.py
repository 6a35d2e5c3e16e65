"""What is recorded of requests, so that a board of all services reads a few series instead of all buckets."""

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.dashboards.conditions import JOB
from observekit.dashboards.promql import divided, none_is_zero, quantile, rate, sum_by
from observekit.dashboards.rules.durations import MINUTE
from observekit.dashboards.rules.model import Group, Recording
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.scope import FAILED, ROUTE
from observekit.dashboards.series import buckets, counts

_LEVEL = (*JOB, ROUTE)


def requests(given: Parameters) -> Group:
    """Return rate, errors and duration of each service over 5 minutes, rate and errors of its routes too."""
    window = given.time(5 * MINUTE)
    by_route = Recording(
        name="job_route:http_server_requests:rate5m",
        query=sum_by(rate(counts(REQUEST_DURATION, *given.here), window), *_LEVEL),
    )
    failed = sum_by(rate(counts(REQUEST_DURATION, FAILED, *given.here), window), *_LEVEL)
    failed_by_route = Recording(
        name="job_route:http_server_errors:rate5m", query=none_is_zero(failed, by_route.read(*given.here))
    )
    return Group(
        name="observekit-requests",
        interval=given.interval,
        recordings=(
            by_route,
            failed_by_route,
            *_of_service(by_route, failed_by_route, given),
            *(_quantile(name, q, window, given) for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))),
        ),
    )


def _of_service(by_route: Recording, failed_by_route: Recording, given: Parameters) -> tuple[Recording, ...]:
    # Another file of rules may record the same of other services.
    here = given.here
    everything = Recording(name="job:http_server_requests:rate5m", query=sum_by(by_route.read(*here), *JOB))
    failed = Recording(name="job:http_server_errors:rate5m", query=sum_by(failed_by_route.read(*here), *JOB))
    share = Recording(
        name="job:http_server_errors:ratio_rate5m", query=divided(failed.read(*here), everything.read(*here))
    )
    return (everything, failed, share)


def _quantile(name: str, q: float, window: str, given: Parameters) -> Recording:
    return Recording(
        name=f"job:http_server_request_duration_seconds:{name}_5m",
        query=quantile(q, buckets(REQUEST_DURATION, *given.here), *JOB, window=window),
    )
