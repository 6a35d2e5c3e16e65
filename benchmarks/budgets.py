"""The budgets that can be measured so far, as they were set before the first measurement."""

from typing import Final, NamedTuple


class Ceiling(NamedTuple):
    """What a row may add to its base.

    Attributes:
        what: What the budget is for.
        row: Name of the row.
        limit: Share of what *of* adds, or microseconds where there is no *of*.
        of: Name of the row it is compared with.
        told: The limit as it was set.
    """

    what: str
    row: str
    limit: float
    of: str | None
    told: str


class Minimum(NamedTuple):
    """What share of the bare application's throughput a row must keep."""

    what: str
    row: str
    path: str
    limit: float
    told: str


ADDED: Final = (
    Ceiling(
        "request, all signals, exported",
        "observekit-sampled",
        1 / 12,
        "hand-sampled",
        "1/12 of the hand-assembled stack",
    ),
    Ceiling("the same", "observekit-sampled", 1.7, "floor-sampled", "1.7 x the floor"),
    Ceiling("request, 1 % sampled", "observekit-few", 1 / 15, "hand-few", "1/15 of the hand-assembled stack"),
    Ceiling("the same", "observekit-few", 1.5, "floor-few", "1.5 x the floor"),
    Ceiling(
        "request, unsampled caller",
        "observekit-unsampled",
        1 / 15,
        "hand-unsampled",
        "1/15 of the hand-assembled stack",
    ),
    Ceiling("request, traces off", "observekit-untraced", 1.3, "floor-few", "1.3 x the floor at 1 %"),
    Ceiling("everything off", "observekit-off", 2.0, None, "2 us"),
    Ceiling("probe", "observekit-probe", 2.0, None, "2 us"),
)

KEPT: Final = (
    Minimum("throughput, 1 % sampled, 1 ms of work", "observekit-few", "/work", 0.85, "85 % of bare"),
    Minimum("throughput, 1 % sampled, empty route", "observekit-few", "/empty", 0.50, "50 % of bare"),
)


class Limit(NamedTuple):
    """What a part may cost.

    Attributes:
        what: What the budget is for.
        part: The measurement.
        name: What of it.
        limit: Share of *of*, or what is measured where there is no *of*.
        of: What of the same measurement it is compared with.
        told: The limit as it was set.
        unit: Of what is measured; nothing for a share.
        added: Whether what is measured is what is added to *of*, not a share of it.
    """

    what: str
    part: str
    name: str
    limit: float
    of: str | None
    told: str
    unit: str = ""
    added: bool = False


PARTS: Final = (
    Limit(
        "histogram observation, cell kept",
        "calls",
        "observe-cell",
        1 / 2,
        "observe-child",
        "1/2 of prometheus-client's, child kept",
    ),
    Limit(
        "histogram observation, by labels",
        "calls",
        "observe-family",
        1 / 2,
        "observe-labels",
        "1/2 of prometheus-client's `labels().observe()`",
    ),
    Limit(
        "log line with trace ids and redaction",
        "calls",
        "line-ours",
        1.0,
        "line-structlog",
        "structlog with orjson alone",
    ),
    Limit(
        "log line with three secrets, redacted",
        "calls",
        "redacted-ours",
        1.25,
        "redacted-stdlib",
        "1.25 x logging with python-json-logger, which writes them",
    ),
    Limit("log line below the level", "calls", "filtered-ours", 1.1, None, "1.1 us", "us"),
    Limit(
        "child span through OpenTelemetry's API, sent",
        "spans",
        "child-ours",
        1 / 2,
        "child-sdk",
        "1/2 of the SDK's, with its batch processor and exporter",
    ),
    Limit("the end, beside a collector that says nothing", "ends", "end-silent", 5.0, None, "5 s", "s"),
    Limit("the same, one that refuses connections", "ends", "end-refused", 5.0, None, "5 s", "s"),
    Limit("the same, one that answers a byte at a time", "ends", "end-dripping", 5.0, None, "5 s", "s"),
    Limit("the same, one that does not read", "ends", "end-stalled", 5.0, None, "5 s", "s"),
    Limit(
        "scrape of 10,000 lines, our cells",
        "page-10000",
        "cells-text",
        1 / 15,
        "client-text",
        "1/15 of prometheus-client's renderer",
    ),
    Limit(
        "scrape of 10,000 lines, a user's prometheus-client metrics",
        "page-10000",
        "kept-text",
        1 / 10,
        "client-text",
        "1/10 of prometheus-client's renderer",
    ),
    Limit(
        "longest turn of the loop, 10,000 lines", "loop-10000-histogram", "ours-turn", 1.0, None, "1 ms", "ms"
    ),
    Limit("the same, 100,000 lines", "loop-100000-histogram", "ours-turn", 1.0, None, "1 ms", "ms"),
    Limit("the same, a series to a line", "loop-100000-counters", "ours-turn", 1.0, None, "1 ms", "ms"),
    Limit(
        "the same, 10,000 of a collector",
        "loop-10000-a collector's",
        "ours-turn",
        1.0,
        None,
        "1 ms",
        "ms",
    ),
    Limit(
        "a request during a scrape of 10,000 lines waits longer by",
        "loop-10000-histogram",
        "ours-worst",
        1.5,
        "idle-wait",
        "1.5 ms, the worst of them",
        "ms",
        added=True,
    ),
    Limit(
        "the same, 100,000 lines",
        "loop-100000-histogram",
        "ours-worst",
        1.5,
        "idle-wait",
        "1.5 ms, the worst of them",
        "ms",
        added=True,
    ),
    Limit(
        "p99 with 20 slow scrapers of 10,000 series, empty route",
        "crowd",
        "crowd/empty",
        1.2,
        "idle/empty",
        "1.2 x idle",
    ),
    Limit("the same, 1 ms of work", "crowd", "crowd/work", 1.2, "idle/work", "1.2 x idle"),
)
