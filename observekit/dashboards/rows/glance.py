"""At a glance: is the service fine, in eight numbers."""

from observekit.catalogue.metrics import ACTIVE_REQUESTS, HEALTH_CHECK_STATUS, REQUEST_DURATION
from observekit.dashboards.limits import (
    ERROR_RATIO,
    LATENCY,
    LATENCY_TARGET_SECONDS,
    NONE_WANTED,
    QUICK_SHARE,
    SOME,
)
from observekit.dashboards.looks import Stat
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.plain import coloured_by
from observekit.dashboards.promql import (
    count_by,
    divided,
    is_zero,
    min_by,
    now,
    quantile,
    rate,
    ratio,
    sum_by,
)
from observekit.dashboards.recorded import targets
from observekit.dashboards.scope import FAILED, HERE, IDENTITY, ON_ROUTE
from observekit.dashboards.series import TARGET, Matcher, buckets, counts, samples, under
from observekit.semconv import SERVICE_VERSION, label

_WIDTH = 3
_HEIGHT = 5


def glance() -> Row:
    """Return the row that tells in seconds whether to read on."""
    return Row(
        "At a glance",
        (
            _traffic(),
            _error_ratio(),
            _slowest_twentieth(),
            _quick_share(),
            _in_flight(),
            _instances(),
            _failing_checks(),
            _versions(),
        ),
    )


def _traffic() -> Panel:
    return Panel(
        title="Traffic",
        description=(
            "All requests to the chosen routes. When it falls to nothing, look at Instances up and at what "
            "sends the traffic; when it jumps, see in Requests by route where it comes from."
        ),
        unit="reqps",
        look=Stat(sparkline=True),
        targets=(Target(query=sum_by(rate(counts(REQUEST_DURATION, *ON_ROUTE)))),),
        width=_WIDTH,
        height=_HEIGHT,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _error_ratio() -> Panel:
    failed = rate(counts(REQUEST_DURATION, *ON_ROUTE, FAILED))
    return Panel(
        title="Error ratio",
        description=(
            "Share of requests answered with a status of 5xx. Yellow spends the budget of a 99.9 % "
            "objective faster than it refills, red 14.4 times as fast. Error ratio by route says where to "
            "look."
        ),
        unit="percentunit",
        look=Stat(sparkline=True),
        targets=(Target(query=ratio(failed, rate(counts(REQUEST_DURATION, *ON_ROUTE)))),),
        width=_WIDTH,
        height=_HEIGHT,
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _slowest_twentieth() -> Panel:
    return Panel(
        title="p95 duration",
        description=(
            "One request in twenty takes longer than this. When it rises, see in p95 by route whether it is "
            "one route or all; if all, look at the processes further down."
        ),
        unit="s",
        look=Stat(sparkline=True),
        targets=(Target(query=quantile(0.95, buckets(REQUEST_DURATION, *ON_ROUTE))),),
        width=_WIDTH,
        height=_HEIGHT,
        thresholds=LATENCY,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _quick_share() -> Panel:
    quick = sum_by(rate(under(LATENCY_TARGET_SECONDS, REQUEST_DURATION, *ON_ROUTE)))
    return Panel(
        title="Within 250 ms",
        description=(
            "Share of requests that took at most 250 ms, counted and not estimated. When it falls while the "
            "p95 stays, many requests became a little slower: compare with the last deployment."
        ),
        unit="percentunit",
        look=Stat(sparkline=True),
        targets=(Target(query=divided(quick, sum_by(rate(counts(REQUEST_DURATION, *ON_ROUTE))))),),
        width=_WIDTH,
        height=_HEIGHT,
        thresholds=QUICK_SHARE,
        scale=Scale(lowest=0, highest=1, empty="no traffic"),
    )


def _in_flight() -> Panel:
    return Panel(
        title="Requests in flight",
        description=(
            "Requests being answered at this moment, on all routes. A number that rises and does not fall "
            "again means that something waits: look at the slowest routes and at what they call."
        ),
        unit="short",
        look=Stat(sparkline=True),
        targets=(Target(query=sum_by(now(samples(ACTIVE_REQUESTS, *HERE)))),),
        width=_WIDTH,
        height=_HEIGHT,
        scale=Scale(lowest=0, decimals=0, empty="no requests yet"),
    )


def _instances() -> Panel:
    seen = targets(*HERE)
    instances = Panel(
        title="Instances up",
        description=(
            "Instances that answered the last scrape, and those that did not, have answered before and are "
            "still to be scraped. When one is missing, read its log and the targets page of Prometheus."
        ),
        unit="short",
        look=Stat(names=True),
        targets=(
            Target(query=sum_by(seen), legend="up"),
            Target(query=sum_by(is_zero(seen)), legend="missing"),
        ),
        width=_WIDTH,
        height=_HEIGHT,
        thresholds=SOME,
        scale=Scale(lowest=0, decimals=0, empty="nothing is scraped"),
    )
    return coloured_by(instances, "missing", NONE_WANTED)


def _failing_checks() -> Panel:
    readiness = samples(HEALTH_CHECK_STATUS, *HERE, Matcher("probe", "=", "readiness"))
    return Panel(
        title="Checks failing",
        description=(
            "Checks that failed when they ran last, over all instances; a required one takes its instance "
            "out of traffic. 'Health checks' on the health board names them; then look at the dependency the "
            "check asks."
        ),
        unit="short",
        look=Stat(),
        # One for each instance, however many of its workers ask.
        targets=(Target(query=sum_by(is_zero(min_by(now(readiness), *TARGET, "check")))),),
        width=_WIDTH,
        height=_HEIGHT,
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="no checks, or nothing is scraped"),
    )


def _versions() -> Panel:
    version = label(SERVICE_VERSION)
    return Panel(
        title="Versions",
        description=(
            "How many instances run each version. Two versions for longer than a deployment takes mean that "
            "it is stuck: look at the instances of the older one, or of the newer one if they are not "
            "ready."
        ),
        unit="short",
        look=Stat(names=True),
        targets=(Target(query=count_by(now(IDENTITY), version), legend=f"version {{{{{version}}}}}"),),
        width=_WIDTH,
        height=_HEIGHT,
        scale=Scale(lowest=0, decimals=0, empty="nothing is scraped"),
    )
