"""Telemetry: what leaves the process, what a scrape costs, and whether the clock is right."""

from observekit.catalogue.exports import (
    EXPORT_DURATION,
    SPAN_QUEUE,
    SPANS,
    SPANS_ENDED,
    SPANS_OPEN,
    SPANS_WAITING,
)
from observekit.catalogue.metrics import CLOCK, DEGRADED, OTEL_METRICS_LEFT_OUT, WORKER_FILES
from observekit.catalogue.operations import CONTEXT_REFUSED, TRACES_DECIDED
from observekit.dashboards.conditions import clock_offset
from observekit.dashboards.limits import CLOCK_OFFSET, ERROR_RATIO, NONE_WANTED, WHOLE_SCRAPE
from observekit.dashboards.panels import Panel, Row, Scale
from observekit.dashboards.plain import PER_INSTANCE, lines, numbers
from observekit.dashboards.promql import max_by, now, quantile, rate, ratio, sum_by, where_present
from observekit.dashboards.scope import HERE, IDENTITY
from observekit.dashboards.series import (
    SCRAPE_SAMPLES,
    SCRAPE_SECONDS,
    SCRAPE_SERIES_ADDED,
    TARGET,
    Matcher,
    buckets,
    counts,
    samples,
)


def export() -> Row:
    """Return the row on what is sent to a collector."""
    return Row(
        "Export", (_spans(), _failing(), _duration(), _waiting(), _queue(), _decided(), _open(), _refused())
    )


def scrape() -> Row:
    """Return the row on metrics pages and clocks."""
    return Row(
        "Metrics pages and clocks",
        (_whole(), _samples(), _added(), _clock(), _left_out(), _alone(), _files()),
    )


def _spans() -> Panel:
    return lines(
        "Spans that ended, and their outcome",
        "Spans per second that the collector took or did not take. Failed ones come back or are dropped: "
        "see the log of the collector. Nothing here: no endpoint is configured, or nothing is sampled.",
        "cps",
        (sum_by(rate(samples(SPANS_ENDED, *HERE))), "ended"),
        (sum_by(rate(samples(SPANS, *HERE)), "outcome"), "{{outcome}}"),
        width=8,
        scale=Scale(lowest=0, empty="no export"),
    )


def _failing() -> Panel:
    failed = counts(EXPORT_DURATION, Matcher("outcome", "=", "failed"), *HERE)
    return lines(
        "Exports that failed",
        "Share of the exports that the collector did not take after all retries. Look at its own log, and "
        "at the event observekit.export_failed of the service, which has the answer.",
        "percentunit",
        (ratio(rate(failed), rate(counts(EXPORT_DURATION, *HERE)), "signal"), "{{signal}}"),
        width=8,
        thresholds=ERROR_RATIO,
        scale=Scale(lowest=0, empty="no export"),
    )


def _duration() -> Panel:
    return lines(
        "Time of an export: p95",
        "How long an export took, retries included. When it nears the time-out, the collector is short of "
        "something or far away; spans wait meanwhile, and requests do not.",
        "s",
        (quantile(0.95, buckets(EXPORT_DURATION, *HERE), "signal", "outcome"), "{{signal}} {{outcome}}"),
        width=8,
        scale=Scale(lowest=0, empty="no export"),
    )


def _waiting() -> Panel:
    return lines(
        "Spans waiting by instance",
        "Spans that have ended and have not been taken yet. A line that rises is a collector that is slower "
        "than the service; what does not fit is dropped and counted.",
        "short",
        (sum_by(now(samples(SPANS_WAITING, *HERE)), *TARGET), PER_INSTANCE),
        scale=Scale(lowest=0, empty="no export"),
    )


def _queue() -> Panel:
    return lines(
        "Queue of spans by instance",
        "Memory that waiting spans take. At its limit the newest are dropped: repair the collector, or "
        "sample less.",
        "bytes",
        (sum_by(now(samples(SPAN_QUEUE, *HERE)), *TARGET), PER_INSTANCE),
        scale=Scale(lowest=0, empty="no export"),
    )


def _decided() -> Panel:
    return lines(
        "Traces held until they ended",
        "Traces per second that were kept because they failed or were slow, or let go. Many evicted: more "
        "are under way at once than can be held; truncated: of those that were kept, spans are missing.",
        "cps",
        (sum_by(rate(samples(TRACES_DECIDED, *HERE)), "decision"), "{{decision}}"),
        scale=Scale(lowest=0, empty="not asked for"),
    )


def _open() -> Panel:
    return lines(
        "Open spans by instance",
        "Recorded spans that have begun and not ended, up to 16,384. They rise and fall with requests under "
        "way; what only rises is spans that nobody ends, as of streams or tasks that were abandoned.",
        "short",
        (sum_by(now(samples(SPANS_OPEN, *HERE)), *TARGET), PER_INSTANCE),
        scale=Scale(lowest=0, empty="no traces"),
    )


def _refused() -> Panel:
    return lines(
        "Trace context that was refused",
        "Headers per second that were not read. traceparent, traceparent_twice, tracestate, baggage, b3: a "
        "caller sends what is wrong or too large, and its trace ends here. baggage_of_ours: this service has "
        "set more than may be passed on, or what cannot be written.",
        "cps",
        (sum_by(rate(samples(CONTEXT_REFUSED, *HERE)), "reason"), "{{reason}}"),
        width=24,
        scale=Scale(lowest=0, empty="none"),
    )


def _whole() -> Panel:
    took = where_present(now(samples(SCRAPE_SECONDS, *HERE)), IDENTITY, "5m")
    return lines(
        "Time of a whole scrape by instance",
        "From the question of Prometheus to the last byte. Beyond its time-out, 10 s unless set, the "
        "instance looks as if it were down. Much more than the time to render: the network, or a process "
        "that is too busy to answer.",
        "s",
        (max_by(took, *TARGET), PER_INSTANCE),
        thresholds=WHOLE_SCRAPE,
    )


def _samples() -> Panel:
    seen = where_present(now(samples(SCRAPE_SAMPLES, *HERE)), IDENTITY, "5m")
    return lines(
        "Samples on a page by instance",
        "How large the page is, which is what storage and queries cost. When it rises with each deployment, "
        "look for a label that has no end.",
        "short",
        (max_by(seen, *TARGET), PER_INSTANCE),
    )


def _added() -> Panel:
    added = where_present(now(samples(SCRAPE_SERIES_ADDED, *HERE)), IDENTITY, "5m")
    return lines(
        "New series in a scrape by instance",
        "Series that the page did not have before. High after a start and near nothing later; always high "
        "means that values of a label come and go, as ids do.",
        "short",
        (max_by(added, *TARGET), PER_INSTANCE),
    )


def _clock() -> Panel:
    return lines(
        "Clock beside that of Prometheus by instance",
        "By how much the clocks differ, either way, the time of the scrape included. Above 15 s logs and "
        "traces of one request do not fit together: let the host synchronise its clock.",
        "s",
        (max_by(clock_offset(samples(CLOCK, *HERE)), *TARGET), PER_INSTANCE),
        thresholds=CLOCK_OFFSET,
    )


def _left_out() -> Panel:
    return numbers(
        "OpenTelemetry metrics left out",
        "Metrics of OpenTelemetry's API that are not on the page, by the reason: name_taken, another one has "
        "the name; exponential_histogram has no form there. The log names each once.",
        "short",
        (sum_by(now(samples(OTEL_METRICS_LEFT_OUT, *HERE)), "reason"), "{{reason}}"),
        width=8,
        scale=Scale(lowest=0, decimals=0, empty="none, or nothing is scraped"),
    )


def _alone() -> Panel:
    return numbers(
        "Parts that do without something",
        "Above 0, workers count for themselves alone, because the directory they share cannot be used: "
        "numbers are those of the worker that answers. The log says why, observekit.workers_degraded.",
        "short",
        (max_by(now(samples(DEGRADED, *HERE)), "component"), "{{component}}"),
        width=8,
        thresholds=NONE_WANTED,
        scale=Scale(lowest=0, decimals=0, empty="none, or nothing is scraped"),
    )


def _files() -> Panel:
    return numbers(
        "Files that workers share",
        "Most files of one instance. A number that only rises means that those of dead workers are not "
        "folded away: see whether the directory is full or not writable.",
        "short",
        (max_by(now(samples(WORKER_FILES, *HERE))), ""),
        width=8,
        scale=Scale(lowest=0, decimals=0, empty="one process, or nothing is scraped"),
    )
