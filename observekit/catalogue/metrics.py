"""Every metric family that a service with observekit shows on its metrics page."""

from typing import Final

from observekit.catalogue import exports, operations, process, saturation, websockets
from observekit.catalogue.buckets import LATENCY_BUCKETS
from observekit.catalogue.specs import MetricSpec, catalogue
from observekit.semconv import (
    DEPLOYMENT_ENVIRONMENT_NAME,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    KNOWN_METHODS,
    OTHER_METHOD,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    VCS_REF_HEAD_REVISION,
    label,
)

# Source: a check may take 0.8 s and all together 0.9 s, below the 1 s that the kubelet waits for a probe.
CHECK_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0)

# Source: powers of four, from a short JSON object to what a server rather streams; nobody advises any.
SIZE_BUCKETS: Final = tuple(float(4**power) for power in range(3, 14))

METHODS: Final = (*sorted(KNOWN_METHODS), OTHER_METHOD)
COMPONENTS: Final = (
    "collector",
    "config",
    "exchange",
    "health",
    "logs",
    "metrics",
    "operations",
    "ops",
    "traces",
    "workers",
)
"""Parts of observekit whose failures are counted apart."""

REQUEST_DURATION: Final = MetricSpec(
    name="http_server_request_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time from the arrival of an HTTP request to the last byte of its response; for each method and "
    "route that has been seen, the series of status 500 is there from zero on.",
    labels=(label(HTTP_REQUEST_METHOD), label(HTTP_ROUTE), label(HTTP_RESPONSE_STATUS_CODE)),
    buckets=LATENCY_BUCKETS,
    values={label(HTTP_REQUEST_METHOD): METHODS},
)
ACTIVE_REQUESTS: Final = MetricSpec(
    name="http_server_active_requests",
    kind="gauge",
    help="HTTP requests that the application is at work on, in the background after the last byte too.",
    labels=(label(HTTP_REQUEST_METHOD),),
    values={label(HTTP_REQUEST_METHOD): METHODS},
)
TIME_TO_FIRST_BYTE: Final = MetricSpec(
    name="http_server_time_to_first_byte_seconds",
    kind="histogram",
    unit="seconds",
    help="Time from the arrival of an HTTP request to the start of its response.",
    labels=(label(HTTP_ROUTE),),
    buckets=LATENCY_BUCKETS,
)
REQUESTS_ABORTED: Final = MetricSpec(
    name="http_server_requests_aborted_total",
    kind="counter",
    help="HTTP requests known to have ended before their response was complete; a client that leaves is "
    "noticed when the application reads or streams. From zero on for each route that has been seen.",
    labels=(label(HTTP_ROUTE), "reason"),
    values={"reason": ("cancelled", "client_disconnect", "error", "no_response")},
)
BACKGROUND_DURATION: Final = MetricSpec(
    name="http_server_background_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time from the last byte of an HTTP response to the return of the application, as background tasks "
    "take it; requests where it is 1 ms or less are not counted here.",
    labels=(label(HTTP_ROUTE),),
    buckets=LATENCY_BUCKETS,
)
REQUEST_BODY_SIZE: Final = MetricSpec(
    name="http_server_request_body_size_bytes",
    kind="histogram",
    unit="bytes",
    help="Bytes of HTTP request bodies that the application has read to their end; only with body_sizes.",
    labels=REQUEST_DURATION.labels,
    buckets=SIZE_BUCKETS,
    values={label(HTTP_REQUEST_METHOD): METHODS},
)
RESPONSE_BODY_SIZE: Final = MetricSpec(
    name="http_server_response_body_size_bytes",
    kind="histogram",
    unit="bytes",
    help="Bytes of HTTP response bodies that were sent; without those that the server reads from a file "
    "itself; only with body_sizes.",
    labels=REQUEST_DURATION.labels,
    buckets=SIZE_BUCKETS,
    values={label(HTTP_REQUEST_METHOD): METHODS},
)
TARGET_INFO: Final = MetricSpec(
    name="target_info",
    kind="info",
    help="Who this service is: constant 1, the facts are in the labels.",
    labels=tuple(
        label(name)
        for name in (
            SERVICE_NAME,
            SERVICE_NAMESPACE,
            SERVICE_VERSION,
            SERVICE_INSTANCE_ID,
            DEPLOYMENT_ENVIRONMENT_NAME,
            VCS_REF_HEAD_REVISION,
        )
    ),
    across="one",
)
HEALTH_CHECK_STATUS: Final = MetricSpec(
    name="observekit_health_check_status",
    kind="gauge",
    help="What a health check is taken to say: 0 failed, 0.5 degraded, 1 ok; failed also where it is stale.",
    labels=("check", "probe", "criticality"),
    values={"probe": ("liveness", "readiness", "startup"), "criticality": ("required", "degraded", "info")},
    across="worker",
)
HEALTH_CHECK_DURATION: Final = MetricSpec(
    name="observekit_health_check_duration_seconds",
    kind="histogram",
    unit="seconds",
    help="Time a health check took, time-outs included.",
    labels=("check",),
    buckets=CHECK_BUCKETS,
)
HEALTH_CHECK_TRANSITIONS: Final = MetricSpec(
    name="observekit_health_check_transitions_total",
    kind="counter",
    help="Times a health check was taken to say something else than before.",
    labels=("check",),
)
HEALTH_CHECK_LOOP_BLOCKS: Final = MetricSpec(
    name="observekit_health_check_loop_blocks_total",
    kind="counter",
    help="Times a step of an asynchronous health check held the event loop for 0.25 s or longer.",
    labels=("check",),
)
STARTUP_PROGRESS: Final = MetricSpec(
    name="observekit_startup_task_progress_ratio",
    kind="gauge",
    unit="ratio",
    help="How much of a start-up task is done: 1 when it has ended, 0 as long as nobody knows.",
    labels=("task",),
    across="worker",
)
MAINTENANCE: Final = MetricSpec(
    name="observekit_maintenance",
    kind="gauge",
    help="Whether the process was asked to stay out of traffic for a while: 1 while it is, 0 otherwise.",
    across="worker",
)
LIFECYCLE_STATE: Final = MetricSpec(
    name="observekit_lifecycle_state",
    kind="stateset",
    help="Where the process is in its life: 1 on exactly one state.",
    labels=("state",),
    values={"state": ("starting", "ready", "draining", "stopped", "broken")},
    across="worker",
)
SERIES_OVERFLOW: Final = MetricSpec(
    name="observekit_series_overflow_total",
    kind="counter",
    help="Events filed under _overflow because their family had reached its series limit.",
    labels=("metric", "label"),
)
SAMPLES_REJECTED: Final = MetricSpec(
    name="observekit_samples_rejected_total",
    kind="counter",
    help="Samples left out because they were negative, infinite or no number.",
    labels=("metric",),
)
SCRAPE_DURATION: Final = MetricSpec(
    name="observekit_scrape_duration_seconds",
    kind="gauge",
    unit="seconds",
    help="Time it took to render the metrics page the last time.",
    across="one",
)
COLLECTOR_ERRORS: Final = MetricSpec(
    name="observekit_collector_errors_total",
    kind="counter",
    help="Collectors whose families are missing from a page because they failed.",
    labels=("collector",),
)
OTEL_METRICS_LEFT_OUT: Final = MetricSpec(
    name="observekit_otel_metrics_left_out",
    kind="gauge",
    help="OpenTelemetry metrics left out of the page: their name is taken, or their kind unknown there.",
    labels=("reason",),
    values={"reason": ("exponential_histogram", "name_taken", "observekit")},
    across="one",
)
CLOCK: Final = MetricSpec(
    name="observekit_clock_timestamp_seconds",
    kind="gauge",
    unit="seconds",
    help="The clock of the process when the metrics page was made, as a Unix time.",
    across="one",
)
REJECTED_SETTINGS: Final = MetricSpec(
    name="observekit_config_rejected_values",
    kind="gauge",
    help="Environment variables that were ignored at start because their value is wrong.",
    labels=("variable",),
    across="one",
)
DEGRADED: Final = MetricSpec(
    name="observekit_degraded",
    kind="gauge",
    help="1 while a part does without something it needs: workers count for themselves alone, because the "
    "directory they share cannot be used, or one of them has more series than it may share.",
    labels=("component",),
    values={"component": ("workers",)},
    across="max",
)
WORKER_FILES: Final = MetricSpec(
    name="observekit_worker_files",
    kind="gauge",
    help="Files that the workers of this service share; none where there is one process.",
    across="one",
)
INTERNAL_ERRORS: Final = MetricSpec(
    name="observekit_internal_errors_total",
    kind="counter",
    help="Failures inside observekit that were kept away from the service.",
    labels=("component",),
    values={"component": COMPONENTS},
)

METRICS: Final = catalogue(
    value
    for module in (
        globals(),
        vars(exports),
        vars(saturation),
        vars(operations),
        vars(websockets),
        vars(process),
    )
    for value in tuple(module.values())
    if isinstance(value, MetricSpec)
)
"""All metric families by name: those of this file, and those of the files of their own."""
