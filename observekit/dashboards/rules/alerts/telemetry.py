"""What is lost of the telemetry itself, so that nobody trusts a picture with holes."""

from observekit.catalogue.exports import EXPORT_DURATION, LOG_RECORDS_DROPPED, SPANS_DROPPED
from observekit.catalogue.metrics import COLLECTOR_ERRORS, INTERNAL_ERRORS, REJECTED_SETTINGS, SERIES_OVERFLOW
from observekit.catalogue.specs import MetricSpec
from observekit.dashboards.conditions import JOB, both, either, where
from observekit.dashboards.promql import Vector, divided, increase, max_by, now, sum_by, where_present
from observekit.dashboards.rules.durations import HOUR, MINUTE
from observekit.dashboards.rules.model import Alert
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.shared import INSTANCE, ours
from observekit.dashboards.series import SCRAPE_SECONDS, TARGET, Matcher, counts, samples

_BOARD = "observekit-telemetry"
# Source: Prometheus gives a scrape 10 s unless told otherwise; at four fifths there is little room left.
_SLOW_SCRAPE_SECONDS = 8
# Source: what one full buffer of a burst loses; fewer are a moment, of which the gap on the board is enough.
_MANY_LOST = 100


def telemetry(given: Parameters) -> tuple[Alert, ...]:
    """Return the alerts of telemetry that loses data."""
    return (
        _logs(given),
        _spans(given),
        _export(given),
        _overflow(given),
        _scrape(given),
        _collector(given),
        _internal(given),
        _settings(given),
    )


def _any(spec: MetricSpec, given: Parameters, minutes: int, *labels: str) -> Vector:
    grown = increase(samples(spec, *given.here), given.time(minutes * MINUTE))
    return where(sum_by(grown, *JOB, *labels), ">", 0)


def _lost(spec: MetricSpec, given: Parameters) -> Vector:
    """Return what was lost within an hour, if it goes on, or if it was much at once."""
    series = samples(spec, *given.here)
    hour = sum_by(increase(series, given.time(HOUR)), *JOB, "reason")
    lately = sum_by(increase(series, given.time(5 * MINUTE)), *JOB, "reason")
    return either(both(hour, where(lately, ">", 0)), where(hour, ">=", _MANY_LOST))


def _logs(given: Parameters) -> Alert:
    return Alert(
        name="LogRecordsDropped",
        severity="warning",
        condition=_lost(LOG_RECORDS_DROPPED, given),
        pending=given.time(10 * MINUTE),
        summary="Log records are dropped in every 5 minutes for 10 minutes, or 100 of them within an hour.",
        finding=(
            "{{ $labels.job }} has lost {{ $value | humanize }} log records within an hour: "
            "{{ $labels.reason }}."
        ),
        checks=(
            "The reason: buffer_full, the reader of standard output is slow; write_failed, the disk is full.",
            "Who reads standard output: the container's log driver, a pipe, journald.",
            "Whether something logs far more than usual: 'Log records by level' on the service board.",
        ),
        impact="The log has holes; what you look for may be in one of them.",
        remedy="Make the reader quick, or log less; the service itself is not held up.",
        false_alarms={
            "a small burst": "Fewer than 100 within an hour that are over within 5 minutes are silent."
        },
        board=_BOARD,
    )


def _spans(given: Parameters) -> Alert:
    return Alert(
        name="SpansDropped",
        severity="warning",
        condition=_lost(SPANS_DROPPED, given),
        pending=given.time(10 * MINUTE),
        summary="Spans are dropped in every 5 minutes for 10 minutes, or 100 of them within an hour.",
        finding=(
            "{{ $labels.job }} has lost {{ $value | humanize }} spans within an hour: {{ $labels.reason }}."
        ),
        checks=(
            "Whether the collector takes spans: its own log and metrics.",
            "How exports go: 'Exports that failed' and 'Time of an export: p95' on the telemetry board.",
            "Whether the sampling ratio fits the traffic.",
        ),
        impact="Traces have holes or are missing; metrics and logs are whole.",
        remedy="Repair or enlarge the collector, or sample less.",
        false_alarms={
            "a small burst": "Fewer than 100 within an hour that are over within 5 minutes are silent."
        },
        board=_BOARD,
    )


def _export(given: Parameters) -> Alert:
    failed = counts(EXPORT_DURATION, Matcher("outcome", "=", "failed"), *given.here)
    window = given.time(5 * MINUTE)
    exports = increase(counts(EXPORT_DURATION, *given.here), window)
    share = divided(sum_by(increase(failed, window), *JOB, "signal"), sum_by(exports, *JOB, "signal"))
    return Alert(
        name="ExportFailing",
        severity="warning",
        condition=where(share, ">", 0.5),
        pending=given.time(10 * MINUTE),
        summary="More than 50 % of the exports to the collector have failed for 10 minutes.",
        finding=(
            "{{ $labels.job }}: {{ $value | humanizePercentage }} of the exports of {{ $labels.signal }} "
            "failed."
        ),
        checks=(
            "Whether the collector answers at OTEL_EXPORTER_OTLP_ENDPOINT, from where the service runs.",
            "What it answers: the event observekit.export_failed in the log.",
            "Whether credentials or certificates have expired.",
        ),
        impact="What does not fit into the queue while it lasts is lost.",
        remedy="Repair the way to the collector.",
        false_alarms={
            "nothing to export": "Without exports there is no share.",
            "some failures": "Up to half of them may fail; they are tried again.",
            "a restart of the collector": "What is over within 5 minutes is silent.",
        },
        board=_BOARD,
    )


def _overflow(given: Parameters) -> Alert:
    return Alert(
        name="SeriesOverflow",
        severity="warning",
        condition=_any(SERIES_OVERFLOW, given, 10, "metric", "label"),
        pending=given.time(MINUTE),
        summary="A metric has reached its limit of series; new values of a label go to _overflow, 1 or more.",
        finding=(
            "{{ $labels.job }}: {{ $labels.metric }} files new values of {{ $labels.label }} under "
            "_overflow, "
            "{{ $value | humanize }} events within 10 minutes."
        ),
        checks=(
            "Which values the label has: a query for the metric, counted by the label.",
            "Whether a value of a client, such as an id, was made a label.",
            "Whether the service has that many routes: then raise OBSERVEKIT_SERIES_LIMIT.",
        ),
        impact="Sums stay right; what is new cannot be told apart until the next start.",
        remedy="Take the unbounded value out of the label.",
        false_alarms={"an overflow of the past": "Only what overflows within 10 minutes counts."},
        board=_BOARD,
    )


def _scrape(given: Parameters) -> Alert:
    took = where_present(now(samples(SCRAPE_SECONDS, *given.here)), ours(given), given.time(5 * MINUTE))
    return Alert(
        name="ScrapeSlow",
        severity="warning",
        condition=where(max_by(took, *TARGET), ">", _SLOW_SCRAPE_SECONDS),
        pending=given.time(15 * MINUTE),
        summary="Scrapes have taken more than 8 s of the usual 10 s for 15 minutes.",
        finding=f"{INSTANCE}: a scrape takes {{{{ $value | humanizeDuration }}}}.",
        checks=(
            "How large the page is: 'Samples on a page by instance' on the telemetry board.",
            "Whether rendering takes the time: 'Time to render the metrics page' on the telemetry board.",
            "Whether the process is short of CPU.",
        ),
        impact="Beyond 10 s scrapes fail, and the instance looks as if it were down.",
        remedy="Have fewer series, or give scrapes more time (scrape_timeout).",
        false_alarms={
            "another exporter": "Only targets with observekit count.",
            "a slow moment": "It has to last for 15 minutes.",
        },
        board=_BOARD,
    )


def _collector(given: Parameters) -> Alert:
    return Alert(
        name="CollectorFailing",
        severity="warning",
        condition=_any(COLLECTOR_ERRORS, given, 5, "collector"),
        pending=given.time(10 * MINUTE),
        summary="A collector has failed at least 1 time in every 5 minutes, for 10 minutes.",
        finding="{{ $labels.job }}: the families of {{ $labels.collector }} are missing from pages.",
        checks=(
            "The event observekit.internal_error in the log, which has the exception.",
            "Whether the collector asks something that is down.",
            "Whether it came with the last deployment.",
        ),
        impact="Metrics are missing, and alerts on them are silent.",
        remedy="Mend the collector, or take it out of the registry.",
        false_alarms={"one failure": "What is over within 5 minutes is silent."},
        board=_BOARD,
    )


def _internal(given: Parameters) -> Alert:
    return Alert(
        name="InternalErrors",
        severity="info",
        condition=_any(INTERNAL_ERRORS, given, 10, "component"),
        pending=given.time(5 * MINUTE),
        summary="Observekit has kept at least 1 failure of its own away from a service within 10 minutes.",
        finding=(
            "{{ $labels.job }}: {{ $value | humanize }} failures in {{ $labels.component }} within 10 "
            "minutes."
        ),
        checks=(
            "The event observekit.internal_error in the log, which has the exception.",
            "Whether a hook or check of your own raises there.",
            "Whether a newer version of observekit mends it.",
        ),
        impact="The service is not touched; a log line, a sample or a span may be missing.",
        remedy="Report it with the exception.",
        false_alarms={"failures of the past": "Only those within 10 minutes count."},
        board=_BOARD,
    )


def _settings(given: Parameters) -> Alert:
    rejected = max_by(now(samples(REJECTED_SETTINGS, *given.here)), *JOB, "variable")
    return Alert(
        name="SettingRejected",
        severity="info",
        condition=where(rejected, ">", 0),
        pending=given.time(5 * MINUTE),
        summary=(
            "An environment variable of a service is wrong and has been ignored for 5 minutes, 1 or more."
        ),
        finding="{{ $labels.job }} has ignored {{ $labels.variable }}, because its value is wrong.",
        checks=(
            "The value and the rule: the event observekit.config_rejected in the log since the start.",
            "What the service does instead: observekit check in its environment.",
            "Whether it was changed in the last deployment.",
        ),
        impact="The service runs with the default in place of what somebody wanted.",
        remedy="Correct the variable and restart the service.",
        false_alarms={"an instance of the past": "It goes with the last instance that was started so."},
        board=_BOARD,
    )
