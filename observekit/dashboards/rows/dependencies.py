"""Requests to others: how many, how long, and what came of them."""

from observekit.catalogue.libraries import HTTP_CLIENT_DURATION
from observekit.dashboards.panels import Panel, Row
from observekit.dashboards.plain import lines
from observekit.dashboards.promql import quantile, rate, sum_by
from observekit.dashboards.scope import HERE, STATUS
from observekit.dashboards.series import buckets, counts
from observekit.semconv import SERVER_ADDRESS, label

_SERVER = label(SERVER_ADDRESS)


def dependencies() -> Row:
    """Return the row on requests to others."""
    return Row("Requests to others", (_answers(), _durations()))


def _answers() -> Panel:
    return lines(
        "Requests to others by host and answer",
        "Requests per second that this service makes over HTTP, by the host they go to and the status of the "
        "answer; without one, none came: refused, cut off or timed out. When requests here fail and those of "
        "one host do too, look there first.",
        "cps",
        (
            sum_by(rate(counts(HTTP_CLIENT_DURATION, *HERE)), _SERVER, STATUS),
            f"{{{{{_SERVER}}}}} {{{{{STATUS}}}}}",
        ),
    )


def _durations() -> Panel:
    return lines(
        "p95 of requests to others by host",
        "95 % of the requests to a host are answered within this time, that on the network included. A route "
        "that becomes slow together with a host waits for it; one that is slow alone does not.",
        "s",
        (quantile(0.95, buckets(HTTP_CLIENT_DURATION, *HERE), _SERVER), f"{{{{{_SERVER}}}}}"),
    )
