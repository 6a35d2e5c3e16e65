"""Versions: does the new release behave like the old one."""

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.dashboards.limits import ERROR_RATIO
from observekit.dashboards.looks import TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.promql import Vector, joined, rate, ratio, sum_by
from observekit.dashboards.scope import FAILED, IDENTITY, ON_ROUTE
from observekit.dashboards.series import TARGET, Matcher, counts
from observekit.semconv import SERVICE_VERSION, label

_VERSION = label(SERVICE_VERSION)
_LEGEND = f"version {{{{{_VERSION}}}}}"


def versions() -> Row:
    """Return the row that compares the versions in service."""
    return Row("Versions", (_traffic(), _error_ratio()))


def _traffic() -> Panel:
    return Panel(
        title="Requests by version",
        description=(
            "Requests per second that each version answers. In a deployment the old line falls as the new "
            "one rises; a new version without traffic is not ready, or not yet known to the load balancer."
        ),
        unit="reqps",
        look=TimeSeries(stacked=True),
        targets=(Target(query=sum_by(_versioned(), _VERSION), legend=_LEGEND),),
        width=12,
    )


def _error_ratio() -> Panel:
    return Panel(
        title="Error ratio by version",
        description=(
            "Share of 5xx by version. Only the new one fails: roll back. Both fail: the cause is something "
            "that they share, such as a dependency or the data."
        ),
        unit="percentunit",
        look=TimeSeries(limits=True),
        targets=(Target(query=ratio(_versioned(FAILED), _versioned(), _VERSION), legend=_LEGEND),),
        width=12,
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _versioned(*matchers: Matcher) -> Vector:
    per_process = sum_by(rate(counts(REQUEST_DURATION, *ON_ROUTE, *matchers)), *TARGET)
    return joined(per_process, IDENTITY, _VERSION)
