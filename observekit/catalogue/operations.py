"""Metrics of work that is no HTTP request: operations, jobs and messages; and of the traces of all work."""

from typing import Final

from observekit.catalogue.specs import MetricSpec
from observekit.semconv import ERROR_TYPE, MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, label

# Source: work ranges from a look into a cache to a nightly import, with two to five times between bounds.
WORK_BUCKETS: Final = (
    0.001,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
)

OPERATION_OUTCOMES: Final = ("ok", "error", "cancelled")

OPERATION_DURATION: Final = MetricSpec(
    name="operation_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time an operation took; beside these labels it has those that the operation declares.",
    labels=("operation", "outcome"),
    buckets=WORK_BUCKETS,
    values={"outcome": OPERATION_OUTCOMES},
)
JOB_LAST_SUCCESS: Final = MetricSpec(
    name="job_last_success_timestamp_seconds",
    kind="gauge",
    unit="seconds",
    help="When a job, which is an operation outside of any request, last ended well, as a Unix time.",
    labels=("job_name",),
    # The sum of two times is none.
    across="max",
)
JOB_PERIOD: Final = MetricSpec(
    name="job_period_seconds",
    kind="gauge",
    unit="seconds",
    help="How often a job has to end well, as every_seconds of its operation says; others have no series.",
    labels=("job_name",),
    across="max",
)
MESSAGE_DURATION: Final = MetricSpec(
    name="messaging_process_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time it took to process a message, or a batch of them; error_type is empty where that went well.",
    labels=(label(MESSAGING_SYSTEM), label(MESSAGING_DESTINATION_NAME), label(ERROR_TYPE)),
    buckets=WORK_BUCKETS,
)
MESSAGES_CONSUMED: Final = MetricSpec(
    name="messaging_client_consumed_messages_total",
    kind="counter",
    help="Messages that were processed, well or not; error_type is empty where that went well.",
    labels=(label(MESSAGING_SYSTEM), label(MESSAGING_DESTINATION_NAME), label(ERROR_TYPE)),
)
CONTEXT_MISTAKES: Final = MetricSpec(
    name="observekit_context_mistakes_total",
    kind="counter",
    help="Times trace context was left where it does not belong: a span whose parent had ended over a minute "
    "before, or an operation or a block of a span that was ended in another task than it began in.",
    labels=("reason",),
    values={"reason": ("ended_elsewhere", "parent_ended")},
)
TRACES_DECIDED: Final = MetricSpec(
    name="observekit_traces_decided_total",
    kind="counter",
    help="Traces that were not sampled and were held until their root in this process ended: kept for an "
    "error or for being slow, let go as ordinary, or evicted before, because too much was held. Those that "
    "are kept and lack spans for that reason count as truncated too.",
    labels=("decision",),
    values={"decision": ("error", "evicted", "ordinary", "slow", "truncated")},
)
CONTEXT_REFUSED: Final = MetricSpec(
    name="observekit_context_refused_total",
    kind="counter",
    help="Headers of trace context that were not read, because they are wrong, there twice or over a limit; "
    "and baggage of this service that is over the limit or cannot be written, and was not passed on.",
    labels=("reason",),
    values={"reason": ("b3", "baggage", "baggage_of_ours", "traceparent", "traceparent_twice", "tracestate")},
)
