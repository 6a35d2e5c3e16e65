"""Metrics of logs and spans on their way: what was taken in, sent, dropped, and what waits."""

from typing import Final

from observekit.catalogue.buckets import LATENCY_BUCKETS
from observekit.catalogue.specs import MetricSpec

LOG_RECORDS: Final = MetricSpec(
    name="observekit_log_records_total",
    kind="counter",
    help="Log records taken in, written or not.",
    labels=("level",),
    values={"level": ("debug", "info", "warning", "error", "critical")},
)
LOG_RECORDS_DROPPED: Final = MetricSpec(
    name="observekit_log_records_dropped_total",
    kind="counter",
    help="Log records that were taken in and will never be written.",
    labels=("reason",),
    values={"reason": ("buffer_full", "no_output", "write_failed")},
)
LOG_RECORDS_SUPPRESSED: Final = MetricSpec(
    name="observekit_log_records_suppressed_total",
    kind="counter",
    help="Log records that log_limits or log_sampling have kept back, as they were asked to.",
    labels=("reason",),
    values={"reason": ("rate_limited", "sampled")},
)
LOG_EXPORTS: Final = MetricSpec(
    name="observekit_log_exports_total",
    kind="counter",
    help="Log records by what the collector said to them; only with logs_exporter.",
    labels=("outcome",),
    values={"outcome": ("exported", "rejected")},
)
LOG_EXPORTS_DROPPED: Final = MetricSpec(
    name="observekit_log_exports_dropped_total",
    kind="counter",
    help="Log records that will never reach the collector; on standard output they are all the same. "
    "Only with logs_exporter.",
    labels=("reason",),
    values={"reason": ("no_collector", "queue_full", "shutdown", "too_large", "unencodable")},
)
LOG_EXPORT_QUEUE: Final = MetricSpec(
    name="observekit_log_export_queue_bytes",
    kind="gauge",
    unit="bytes",
    help="Bytes of log records that wait for the collector; only with logs_exporter.",
)
SPANS_ENDED: Final = MetricSpec(
    name="observekit_spans_ended_total",
    kind="counter",
    help="Sampled spans that ended: as many as are exported, rejected, dropped and waiting.",
)
SPANS: Final = MetricSpec(
    name="observekit_spans_total",
    kind="counter",
    help="Ended spans by what the collector said to them for good.",
    labels=("outcome",),
    values={"outcome": ("exported", "rejected")},
)
SPANS_DROPPED: Final = MetricSpec(
    name="observekit_spans_dropped_total",
    kind="counter",
    help="Ended spans that will never reach the collector.",
    labels=("reason",),
    values={"reason": ("no_collector", "queue_full", "shutdown", "too_large", "unencodable")},
)
SPANS_WAITING: Final = MetricSpec(
    name="observekit_spans_waiting",
    kind="gauge",
    help="Ended spans that wait for the collector, those under way included.",
)
SPANS_OPEN: Final = MetricSpec(
    name="observekit_spans_open",
    kind="gauge",
    help="Recorded spans that have begun and not ended, up to 16,384. Those that nobody will end, as of a "
    "stream that was abandoned, are among them: what only rises is a leak.",
)
SPAN_QUEUE: Final = MetricSpec(
    name="observekit_span_queue_bytes",
    kind="gauge",
    unit="bytes",
    help="Memory of the ended spans that wait for the collector.",
)
EXPORT_DURATION: Final = MetricSpec(
    name="observekit_export_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time one request to the collector took.",
    labels=("signal", "outcome"),
    buckets=LATENCY_BUCKETS,
    values={"signal": ("logs", "traces"), "outcome": ("exported", "failed", "rejected")},
)
