"""Routes: one line for each, to find the one that matters."""

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.dashboards.limits import ERROR_RATIO, LATENCY
from observekit.dashboards.looks import Table
from observekit.dashboards.panels import Override, Panel, Row, Scale, Target
from observekit.dashboards.promql import WHOLE_RANGE, Vector, divided, quantile, rate, ratio, sum_by
from observekit.dashboards.scope import FAILED, METHOD, ON_ROUTE, ROUTE
from observekit.dashboards.series import buckets, counts, sums

_KEY = (METHOD, ROUTE)
_SHARE = "Share of total time"
_COLUMNS = {
    "Value #A": "Requests per second",
    "Value #B": "Error ratio",
    "Value #C": "p95",
    "Value #D": _SHARE,
}
_ORDER = (METHOD, ROUTE, *_COLUMNS)


def routes() -> Row:
    """Return the row with the table of all routes."""
    return Row("Routes", (_table(),))


def _table() -> Panel:
    return Panel(
        title="Routes over the whole time range",
        description=(
            "One line for each method and route. Share of total time says where work pays: a fast route "
            "that is called often can cost more than a slow one. Start with the top line; a red error ratio "
            "goes first."
        ),
        unit="short",
        look=Table(sort_by=_SHARE),
        targets=tuple(Target(query=query, shape="table", instant=True) for query in _queries()),
        width=24,
        height=10,
        scale=Scale(),
        overrides=_columns(),
        transformations=({"id": "merge", "options": {}}, {"id": "organize", "options": _organised()}),
    )


def _queries() -> tuple[Vector, ...]:
    requests = rate(counts(REQUEST_DURATION, *ON_ROUTE), WHOLE_RANGE)
    failed = rate(counts(REQUEST_DURATION, *ON_ROUTE, FAILED), WHOLE_RANGE)
    seconds = rate(sums(REQUEST_DURATION, *ON_ROUTE), WHOLE_RANGE)
    return (
        sum_by(requests, *_KEY),
        ratio(failed, requests, *_KEY),
        quantile(0.95, buckets(REQUEST_DURATION, *ON_ROUTE), *_KEY, window=WHOLE_RANGE),
        divided(sum_by(seconds, *_KEY), sum_by(seconds)),
    )


def _organised() -> dict[str, object]:
    return {
        "excludeByName": {"Time": True},
        "indexByName": {name: index for index, name in enumerate(_ORDER)},
        "renameByName": {METHOD: "Method", ROUTE: "Route", **_COLUMNS},
    }


def _columns() -> tuple[Override, ...]:
    coloured_text = ("custom.cellOptions", {"type": "color-text"})
    bar = ("custom.cellOptions", {"mode": "basic", "type": "gauge"})
    return (
        Override("Requests per second", (("unit", "reqps"),)),
        Override("Error ratio", (("unit", "percentunit"), ("thresholds", ERROR_RATIO.json()), coloured_text)),
        Override("p95", (("unit", "s"), ("thresholds", LATENCY.json()), coloured_text)),
        Override(_SHARE, (("unit", "percentunit"), ("min", 0), ("max", 1), bar)),
    )
