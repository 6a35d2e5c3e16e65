"""All services: one line for each, and the same over time."""

from observekit.catalogue.metrics import HEALTH_CHECK_STATUS, TARGET_INFO
from observekit.dashboards.conditions import JOB, age
from observekit.dashboards.limits import (
    BUDGET_LEFT,
    CHECK_STATUS,
    ERROR_RATIO,
    LAST_SEEN,
    LATENCY,
    MISSING,
    NONE_WANTED,
    SOME,
    Thresholds,
)
from observekit.dashboards.looks import Table
from observekit.dashboards.panels import Override, Panel, Row, Scale, Target
from observekit.dashboards.plain import coloured_by, lines, numbers
from observekit.dashboards.promql import (
    Vector,
    count_by,
    divided,
    is_zero,
    max_by,
    min_by,
    none_is_zero,
    now,
    sum_by,
)
from observekit.dashboards.recorded import firing, recorded, targets
from observekit.dashboards.rules.known import SEEN
from observekit.dashboards.scope import CHOSEN, ROUTE
from observekit.dashboards.series import Matcher, samples
from observekit.semconv import SERVICE_VERSION, label

_NAME = "{{job}}"
_VERSION = label(SERVICE_VERSION)


def now_row() -> Row:
    """Return the row that tells where to look."""
    return Row("Now", (_down(), _alerts(), _worst_errors(), _least_budget(), _table()))


def over_time() -> Row:
    """Return the row that compares services over time."""
    return Row("Over time", (_requests(), _errors(), _duration(), _firing(), _routes()))


def _down() -> Panel:
    instances = numbers(
        "Instances up",
        "Instances of all services that answered the last scrape, and those that did not, have answered "
        "before and are still to be scraped. When some are missing, the table says of which service.",
        "short",
        (sum_by(targets(*CHOSEN)), "up"),
        (sum_by(is_zero(targets(*CHOSEN))), "missing"),
        thresholds=SOME,
    )
    return coloured_by(instances, "missing", NONE_WANTED)


def _alerts() -> Panel:
    return numbers(
        "Alerts firing",
        "Alerts of observekit that fire now, by severity. Take the critical ones first; each has a runbook "
        "and leads to the board that shows more.",
        "short",
        (sum_by(firing(*CHOSEN), "severity"), "{{severity}}"),
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="none fires, or no rules are loaded"),
    )


def _worst_errors() -> Panel:
    return numbers(
        "Highest error ratio",
        "Of the service with the largest share of 5xx over the last 5 minutes. The table below has it on "
        "top when sorted by error ratio.",
        "percentunit",
        (max_by(recorded("job:http_server_errors:ratio_rate5m", *CHOSEN)), ""),
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no traffic, or no rules"),
    )


def _least_budget() -> Panel:
    return numbers(
        "Least error budget left",
        "Of the objective that is nearest to being missed, or is. Below 0 % it is: the SLO board says which "
        "one and since when.",
        "percentunit",
        (min_by(recorded("slo:error_budget_remaining:ratio_period", *CHOSEN)), ""),
        thresholds=BUDGET_LEFT,
        scale=Scale(empty="no traffic, or no rules"),
    )


_COLUMNS: dict[str, tuple[str, str, Thresholds | None]] = {
    "Value #A": ("Up", "short", SOME),
    "Value #B": ("Missing", "short", MISSING),
    "Value #C": ("Versions", "short", None),
    "Value #D": ("Requests per second", "reqps", None),
    "Value #E": ("Error ratio", "percentunit", ERROR_RATIO),
    "Value #F": ("p50", "s", LATENCY),
    "Value #G": ("p99", "s", LATENCY),
    "Value #H": ("Worst readiness check", "none", CHECK_STATUS),
    "Value #I": ("Error budget left", "percentunit", BUDGET_LEFT),
    "Value #J": ("Last seen", "s", LAST_SEEN),
}


def _queries() -> tuple[Vector, ...]:
    versions = count_by(count_by(now(samples(TARGET_INFO, *CHOSEN)), *JOB, _VERSION), *JOB)
    readiness = samples(HEALTH_CHECK_STATUS, Matcher("probe", "=", "readiness"), *CHOSEN)
    seen = recorded(SEEN, *CHOSEN)
    return (
        # A service that has no targets any more keeps its line, with none up.
        none_is_zero(sum_by(targets(*CHOSEN), *JOB), seen),
        none_is_zero(sum_by(is_zero(targets(*CHOSEN)), *JOB), seen),
        versions,
        recorded("job:http_server_requests:rate5m", *CHOSEN),
        recorded("job:http_server_errors:ratio_rate5m", *CHOSEN),
        recorded("job:http_server_request_duration_seconds:p50_5m", *CHOSEN),
        recorded("job:http_server_request_duration_seconds:p99_5m", *CHOSEN),
        min_by(now(readiness), *JOB),
        min_by(recorded("slo:error_budget_remaining:ratio_period", *CHOSEN), *JOB),
        age(seen),
    )


def _table() -> Panel:
    names = [name for name, _, _ in _COLUMNS.values()]
    renamed = {key: name for key, (name, _, _) in _COLUMNS.items()}
    order = ("job", "namespace", "cluster", *_COLUMNS)
    organised = {
        "excludeByName": {"Time": True},
        "indexByName": {name: index for index, name in enumerate(order)},
        "renameByName": {"job": "Service", "namespace": "Namespace", "cluster": "Cluster", **renamed},
    }
    return Panel(
        title="Services",
        description=(
            "One line for each service; a click on its name opens its board. Red first: none up, one "
            "missing, an error ratio, a budget below 0 %, a readiness check at 0. A service that is gone "
            "keeps its line, with the time since it was last seen, for as long as the rules say "
            "(--forget-days). Empty cells in a line: no traffic, no checks, or no rules loaded (observekit "
            "rules)."
        ),
        unit="short",
        look=Table(sort_by=names[4]),
        targets=tuple(Target(query=query, shape="table", instant=True) for query in _queries()),
        width=24,
        height=10,
        scale=Scale(),
        overrides=(_SERVICE, *(_column(*column) for column in _COLUMNS.values())),
        transformations=({"id": "merge", "options": {}}, {"id": "organize", "options": organised}),
    )


_SERVICE = Override(
    "Service",
    (
        (
            "links",
            [
                {
                    "title": "Open the board of this service",
                    "url": "/d/observekit-service?var-job=${__value.raw}&${__url_time_range}",
                    "targetBlank": False,
                }
            ],
        ),
    ),
)


def _column(name: str, unit: str, thresholds: Thresholds | None) -> Override:
    coloured: tuple[tuple[str, object], ...] = ()
    if thresholds is not None:
        coloured = (
            ("thresholds", thresholds.json()),
            ("custom.cellOptions", {"type": "color-text"}),
        )
    return Override(name, (("unit", unit), *coloured))


def _requests() -> Panel:
    return lines(
        "Requests by service",
        "Requests per second of each service, from what the rules record. A line that falls to nothing "
        "while others go on: look at what is in front of that service.",
        "reqps",
        (recorded("job:http_server_requests:rate5m", *CHOSEN), _NAME),
    )


def _errors() -> Panel:
    return lines(
        "Error ratio by service",
        "Share of 5xx of each service. Several that rise together share a cause: start with the one that "
        "the others call.",
        "percentunit",
        (recorded("job:http_server_errors:ratio_rate5m", *CHOSEN), _NAME),
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _duration() -> Panel:
    return lines(
        "p95 duration by service",
        "One request in twenty takes longer. Of several that rise together, the slowest at the bottom of "
        "the chain of calls is where the time goes.",
        "s",
        (recorded("job:http_server_request_duration_seconds:p95_5m", *CHOSEN), _NAME),
        thresholds=LATENCY,
        scale=Scale(lowest=0, empty="no traffic"),
    )


def _firing() -> Panel:
    return lines(
        "Alerts firing by service",
        "How many alerts of observekit fire for each service. Many at once mostly have one cause: take the "
        "critical one, or the first that began.",
        "short",
        (sum_by(firing(*CHOSEN), "job", "alertname"), "{{job}} {{alertname}}"),
        scale=Scale(lowest=0, decimals=0, empty="none fires, or no rules are loaded"),
    )


def _routes() -> Panel:
    requests = recorded("job_route:http_server_requests:rate5m", *CHOSEN)
    failed = recorded("job_route:http_server_errors:rate5m", *CHOSEN)
    key = ("job", ROUTE)
    return lines(
        "Error ratio by service and route",
        "Share of 5xx on each route of each service. The deepest service in the "
        "chain of calls that shows one is where to begin.",
        "percentunit",
        (divided(sum_by(failed, *key), sum_by(requests, *key)), f"{{{{job}}}} {{{{{ROUTE}}}}}"),
        width=24,
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no traffic, or no rules are loaded"),
    )
