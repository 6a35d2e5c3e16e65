"""Requests: how many, how many fail, and how many end before their answer is complete."""

from observekit.catalogue.metrics import REQUEST_DURATION, REQUESTS_ABORTED
from observekit.dashboards.limits import ERROR_RATIO
from observekit.dashboards.looks import TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target, coloured
from observekit.dashboards.promql import Rewrite, busiest, rate, ratio, rewritten, sum_by
from observekit.dashboards.scope import FAILED, ON_ROUTE, ROUTE, STATUS
from observekit.dashboards.series import counts, samples


def requests() -> Row:
    """Return the row on rate and errors."""
    return Row("Requests and errors", (_by_status(), _by_route(), _errors_by_route(), _aborted()))


def _by_status() -> Panel:
    by_code = sum_by(rate(counts(REQUEST_DURATION, *ON_ROUTE)), STATUS)
    to_class = Rewrite(source=STATUS, pattern="(.)..", label="status", replacement="${1}xx")
    # The label is empty where the client got nothing.
    to_none = Rewrite(source=STATUS, pattern="", label="status", replacement="none")
    classes = rewritten(rewritten(by_code, to_class), to_none)
    return Panel(
        title="Requests by status class",
        description=(
            "Requests per second by the first digit of the status, none where the client got no answer. "
            "More 5xx: see Error ratio by route. More 4xx: a client sends what the service refuses; look "
            "for a new client version or a scan."
        ),
        unit="reqps",
        look=TimeSeries(stacked=True),
        targets=(Target(query=sum_by(classes, "status"), legend="{{status}}"),),
        width=12,
        overrides=coloured(
            **{"1xx": "purple", "2xx": "green", "3xx": "blue", "4xx": "yellow", "5xx": "red", "none": "text"}
        ),
    )


def _by_route() -> Panel:
    requests = counts(REQUEST_DURATION, *ON_ROUTE)
    return Panel(
        title="Requests by route",
        description=(
            "Requests per second of the ten routes with the most of them. A route that jumps has a new or "
            "looping client; _unmatched is what no route of the service took, often a scan or a wrong link."
        ),
        unit="reqps",
        look=TimeSeries(),
        targets=(
            Target(query=busiest(sum_by(rate(requests), ROUTE), requests, ROUTE), legend=f"{{{{{ROUTE}}}}}"),
        ),
        width=12,
    )


def _errors_by_route() -> Panel:
    requests = counts(REQUEST_DURATION, *ON_ROUTE)
    share = ratio(rate(counts(REQUEST_DURATION, *ON_ROUTE, FAILED)), rate(requests), ROUTE)
    return Panel(
        title="Error ratio by route",
        description=(
            "Share of 5xx on each of the ten busiest routes. One route alone points to its own code or the "
            "dependency it calls; all of them at once point to a deployment or a shared dependency."
        ),
        unit="percentunit",
        look=TimeSeries(limits=True),
        targets=(Target(query=busiest(share, requests, ROUTE), legend=f"{{{{{ROUTE}}}}}"),),
        width=12,
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _aborted() -> Panel:
    ended_early = rate(samples(REQUESTS_ABORTED, *ON_ROUTE))
    return Panel(
        title="Aborted requests by route and reason",
        description=(
            "Requests that ended before their response was complete. Clients that disconnect have mostly "
            "lost patience: compare with p95 by route. Cancelled ones come from a shutdown or a timeout of "
            "the service; no_response is a fault of the application and has an error in the log."
        ),
        unit="reqps",
        look=TimeSeries(stacked=True),
        targets=(
            Target(query=sum_by(ended_early, ROUTE, "reason"), legend=f"{{{{{ROUTE}}}}} {{{{reason}}}}"),
        ),
        width=12,
    )
