"""Losses: what observekit itself did not record, so that a gap in the data is not read as a quiet service."""

from observekit.catalogue import MetricSpec
from observekit.catalogue.exports import LOG_RECORDS_DROPPED, LOG_RECORDS_SUPPRESSED, SPANS, SPANS_DROPPED
from observekit.catalogue.metrics import (
    COLLECTOR_ERRORS,
    INTERNAL_ERRORS,
    REJECTED_SETTINGS,
    SAMPLES_REJECTED,
    SCRAPE_DURATION,
    SERIES_OVERFLOW,
)
from observekit.catalogue.operations import CONTEXT_MISTAKES
from observekit.dashboards.limits import NONE_WANTED, SCRAPE
from observekit.dashboards.looks import Stat, TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.promql import WHOLE_RANGE, Vector, increase, max_by, now, rate, sum_by
from observekit.dashboards.scope import HERE
from observekit.dashboards.series import TARGET, Matcher, samples


def losses() -> Row:
    """Return the row on what was lost on the way."""
    return Row(
        "Losses of observekit itself", (_totals(), _logs(), _spans(), _overflow(), _internal(), _scrapes())
    )


def _totals() -> Panel:
    lost = {
        "log records": LOG_RECORDS_DROPPED,
        "spans": SPANS_DROPPED,
        "over the series limit": SERIES_OVERFLOW,
        "internal errors": INTERNAL_ERRORS,
        "rejected samples": SAMPLES_REJECTED,
        "missing collectors": COLLECTOR_ERRORS,
        "mistakes with context": CONTEXT_MISTAKES,
    }
    rejected = sum_by(now(samples(REJECTED_SETTINGS, *HERE)))
    refused = increase(samples(SPANS, *HERE, Matcher("outcome", "=", "rejected")), WHOLE_RANGE)
    return Panel(
        title="Lost in this time range",
        description=(
            "What was counted and not recorded. Anything but 0 means that other panels or logs may be "
            "incomplete; the panels below give the reasons. A rejected setting is named in the log at the "
            "start."
        ),
        unit="short",
        look=Stat(names=True),
        targets=(
            *(Target(query=_total(spec), legend=name, instant=True) for name, spec in lost.items()),
            Target(query=sum_by(refused), legend="rejected spans", instant=True),
            Target(query=rejected, legend="rejected settings", instant=True),
        ),
        width=24,
        height=4,
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="none, or nothing is scraped"),
    )


def _total(spec: MetricSpec) -> Vector:
    return sum_by(increase(samples(spec, *HERE), WHOLE_RANGE))


def _logs() -> Panel:
    kept_back = rate(samples(LOG_RECORDS_SUPPRESSED, *HERE))
    return _lost(
        LOG_RECORDS_DROPPED,
        Target(query=sum_by(kept_back), legend="kept back on purpose"),
        title="Dropped log records by reason",
        description=(
            "Records per second that will never be written. buffer_full: whoever reads the output is too "
            "slow or stuck. no_output or write_failed: standard output is closed, or its disk is full. Kept "
            "back on purpose: what log_limits and log_sampling ask for."
        ),
    )


def _spans() -> Panel:
    refused = rate(samples(SPANS, *HERE, Matcher("outcome", "=", "rejected")))
    return _lost(
        SPANS_DROPPED,
        Target(query=sum_by(refused), legend="rejected by the collector"),
        title="Lost spans by reason",
        description=(
            "Spans per second that never reach the collector. queue_full: it is down or slow, or too much "
            "is sampled. shutdown: it did not answer in the last moments. no_collector: what answers at the "
            "endpoint is none. too_large: it refuses a single span for its size."
        ),
    )


def _overflow() -> Panel:
    return _lost(
        SERIES_OVERFLOW,
        title="Events over the series limit by metric",
        description=(
            "Events per second counted under _overflow, because the label has too many values. Sums stay "
            "right, details are lost: take what differs for each request out of the label, or raise the "
            "limit."
        ),
    )


def _internal() -> Panel:
    return _lost(
        INTERNAL_ERRORS,
        title="Internal errors by component",
        description=(
            "Failures inside observekit per second; the service did not notice them. The log has an event "
            "observekit.internal_error for each component; report it with its traceback."
        ),
    )


def _lost(spec: MetricSpec, *more: Target, title: str, description: str) -> Panel:
    return Panel(
        title=title,
        description=description,
        unit="cps",
        look=TimeSeries(stacked=True),
        targets=(
            Target(
                query=sum_by(rate(samples(spec, *HERE)), *spec.labels),
                legend=" ".join(f"{{{{{name}}}}}" for name in spec.labels),
            ),
            *more,
        ),
        width=12,
        thresholds=NONE_WANTED,
    )


def _scrapes() -> Panel:
    return Panel(
        title="Time to render the metrics page",
        description=(
            "How long an instance needed for its last page. When it nears the scrape timeout, samples get "
            "lost: look for the metric with the most series, and take values out of its labels."
        ),
        unit="s",
        look=TimeSeries(limits=True),
        targets=(
            Target(
                query=max_by(now(samples(SCRAPE_DURATION, *HERE)), *TARGET), legend="{{job}} {{instance}}"
            ),
        ),
        width=24,
        height=6,
        thresholds=SCRAPE,
    )
