"""Duration: how long requests take, and on which routes."""

from observekit.catalogue import MetricSpec
from observekit.catalogue.metrics import BACKGROUND_DURATION, REQUEST_DURATION, TIME_TO_FIRST_BYTE
from observekit.dashboards.limits import LATENCY
from observekit.dashboards.looks import Heatmap, TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.promql import busiest, increase, quantile, rate, sum_by
from observekit.dashboards.scope import ON_ROUTE, ROUTE
from observekit.dashboards.series import buckets, counts, sums


def latency() -> Row:
    """Return the row on how long requests take."""
    return Row("Duration", (_percentiles(), _by_route(), _heatmap(), _first_byte(), _background()))


def _percentiles() -> Panel:
    return _durations(
        title="Duration of requests: p50, p95, p99",
        description=(
            "Half, 95 % and 99 % of the requests take at most this long. All lines up: the service or its "
            "machine is slow. Only p99 up: a few requests wait, often for a lock, a pool or a retry."
        ),
        targets=_usual_percentiles(REQUEST_DURATION),
    )


def _by_route() -> Panel:
    slow_end = quantile(0.95, buckets(REQUEST_DURATION, *ON_ROUTE), ROUTE)
    return _durations(
        title="p95 by route",
        description=(
            "95th percentile on each of the ten busiest routes. For the one that rose, choose it at the top "
            "of the board and open an exemplar in the heatmap to see in its trace where the time went."
        ),
        targets=(
            Target(
                query=busiest(slow_end, counts(REQUEST_DURATION, *ON_ROUTE), ROUTE),
                legend=f"{{{{{ROUTE}}}}}",
                exemplars=True,
            ),
        ),
    )


def _heatmap() -> Panel:
    hits = increase(buckets(REQUEST_DURATION, *ON_ROUTE))
    return Panel(
        title="Duration of requests, all of them",
        description=(
            "How many requests fell into each span of time; each dot is one request with a trace. A second "
            "band means two kinds of requests, such as cache hits and misses. Open a dot high up to see its "
            "trace."
        ),
        unit="short",
        look=Heatmap(bounds="s"),
        targets=(Target(query=sum_by(hits, "le"), legend="{{le}}", shape="heatmap", exemplars=True),),
        width=12,
    )


def _first_byte() -> Panel:
    return _durations(
        title="Time to first byte: p50, p95, p99",
        description=(
            "Time until the response starts. When it is much shorter than the duration of requests, the "
            "time goes into sending the body: large or streamed responses, or clients that read slowly."
        ),
        targets=_usual_percentiles(TIME_TO_FIRST_BYTE),
    )


def _background() -> Panel:
    spent = rate(sums(BACKGROUND_DURATION, *ON_ROUTE))
    return Panel(
        title="Background work in progress by route",
        description=(
            "How many requests, on average, are answered to the last byte and still at work, as background "
            "tasks are. No client waits for it, but it keeps workers busy and holds up a shutdown: when it "
            "grows without an end, the work belongs into a queue."
        ),
        unit="short",
        look=TimeSeries(stacked=True),
        targets=(Target(query=sum_by(spent, ROUTE), legend=f"{{{{{ROUTE}}}}}"),),
        width=24,
        height=6,
        scale=Scale(lowest=0, empty="none"),
    )


def _usual_percentiles(spec: MetricSpec) -> tuple[Target, ...]:
    return tuple(
        # The dots are the same for each line, so one line brings them.
        Target(query=quantile(q, buckets(spec, *ON_ROUTE)), legend=name, exemplars=name == "p99")
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    )


def _durations(title: str, description: str, targets: tuple[Target, ...]) -> Panel:
    """Return a panel of half the width whose lines are seconds, with the limits of latency behind them."""
    return Panel(
        title=title,
        description=description,
        unit="s",
        look=TimeSeries(limits=True),
        targets=targets,
        width=12,
        thresholds=LATENCY,
        scale=Scale(lowest=0, empty="no traffic"),
    )
