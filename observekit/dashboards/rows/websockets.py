"""WebSockets: how many connections are open, what is said on them, and how they end."""

from observekit.catalogue.websockets import ACTIVE_CONNECTIONS, CONNECTION_DURATION, MESSAGES
from observekit.dashboards.looks import TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.promql import now, rate, sum_by
from observekit.dashboards.scope import ON_ROUTE, ROUTE
from observekit.dashboards.series import counts, samples


def websockets() -> Row:
    """Return the row on WebSocket connections."""
    return Row("WebSockets", (_open(), _messages(), _endings()))


def _open() -> Panel:
    return Panel(
        title="Open connections by route",
        description=(
            "WebSocket connections at this moment. Each costs memory for as long as it lives: a number that "
            "only grows means that clients connect again without closing; a fall to nothing is a deployment "
            "or a proxy that cuts connections off."
        ),
        unit="short",
        look=TimeSeries(stacked=True),
        targets=(
            Target(
                query=sum_by(now(samples(ACTIVE_CONNECTIONS, *ON_ROUTE)), ROUTE), legend=f"{{{{{ROUTE}}}}}"
            ),
        ),
        width=8,
        scale=Scale(lowest=0, decimals=0, empty="none"),
    )


def _messages() -> Panel:
    spoken = sum_by(rate(samples(MESSAGES, *ON_ROUTE)), "direction")
    return Panel(
        title="Messages by direction",
        description=(
            "Messages per second. Many more received than sent, or the other way round, than usual: a "
            "client in a loop, or a topic with too many subscribers."
        ),
        unit="cps",
        look=TimeSeries(),
        targets=(Target(query=spoken, legend="{{direction}}"),),
        width=8,
        scale=Scale(lowest=0, empty="none"),
    )


def _endings() -> Panel:
    ended = sum_by(rate(counts(CONNECTION_DURATION, *ON_ROUTE)), "code")
    return Panel(
        title="Ended connections by close code",
        description=(
            "1000, 1001 and 1005 are ordinary. 1006: cut off without a close, mostly by a network or a proxy "
            "with a timeout, or by an error that the log names. 1011: the service gave up. _denied: the "
            "handshake was refused, often for want of credentials."
        ),
        unit="cps",
        look=TimeSeries(stacked=True),
        targets=(Target(query=ended, legend="{{code}}"),),
        width=8,
        scale=Scale(lowest=0, empty="none"),
    )
