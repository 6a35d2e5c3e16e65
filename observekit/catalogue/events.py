"""Every log event that observekit itself writes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from observekit.catalogue.specs import EventSpec, catalogue
from observekit.semconv import (
    CLIENT_ADDRESS,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_SYSTEM,
    URL_PATH,
    WEBSOCKET_CLOSE_CODE,
    label,
)

HTTP_REQUEST: Final = EventSpec(
    name="http.request",
    level="by outcome",
    help="The canonical event: one for each request, written when it ends.",
    fields=(
        label(HTTP_REQUEST_METHOD),
        label(HTTP_ROUTE),
        label(URL_PATH),
        label(HTTP_RESPONSE_STATUS_CODE),
        "outcome",
        "duration_seconds",
        "time_to_first_byte_seconds",
        "response_bytes",
        label(CLIENT_ADDRESS),
    ),
)
WEBSOCKET_CONNECTION: Final = EventSpec(
    name="websocket.connection",
    level="by outcome",
    help="The canonical event of a WebSocket connection, written when it ends.",
    fields=(
        label(HTTP_ROUTE),
        label(URL_PATH),
        label(HTTP_RESPONSE_STATUS_CODE),
        label(WEBSOCKET_CLOSE_CODE),
        "closed_by",
        "outcome",
        "duration_seconds",
        "messages_received",
        "messages_sent",
        label(CLIENT_ADDRESS),
    ),
)
OPERATION: Final = EventSpec(
    name="operation",
    level="by outcome",
    help="The canonical event of a job, which is an operation outside of any request; written when it ends.",
    fields=("operation", "outcome", "duration_seconds"),
)
MESSAGE: Final = EventSpec(
    name="message",
    level="by outcome",
    help="The canonical event of a message that was processed, or of a batch of them.",
    fields=(
        label(MESSAGING_SYSTEM),
        label(MESSAGING_DESTINATION_NAME),
        "messages",
        "outcome",
        "duration_seconds",
    ),
)
STARTED: Final = EventSpec(
    name="observekit.started",
    level="info",
    help="What was set up, and what else was found that traces or measures the same requests.",
    fields=("service_version", "metrics", "logs", "traces", "health", "ops_port", "found"),
)
NEIGHBOURS_FOUND: Final = EventSpec(
    name="observekit.neighbours_found",
    level="info",
    help="Who else would trace or measure the requests of an application, said when it is first served; "
    "each request has one SERVER span and one sample all the same.",
    fields=("application", "found"),
)
OPS_PORT_UNAVAILABLE: Final = EventSpec(
    name="observekit.ops_port_unavailable",
    level="warning",
    help="The ops port could not be opened, as when another process has it; the service runs without.",
    fields=("ops_host", "ops_port", "error"),
)
MANAGEMENT_UNAVAILABLE: Final = EventSpec(
    name="observekit.management_unavailable",
    level="warning",
    help="There is no socket for observekit drain and observekit probe; the service runs without.",
    fields=("error",),
)
DRAIN_INCOMPLETE: Final = EventSpec(
    name="observekit.drain_incomplete",
    level="warning",
    help="Requests or connections were still open when the time of a drain was over; says on which routes.",
    fields=("in_flight", "routes"),
)
ROUTES_SHADOWED: Final = EventSpec(
    name="observekit.routes_shadowed",
    level="warning",
    help="The application has routes at paths that observekit answers itself, so nobody reaches them; either "
    "side can have another path.",
    fields=("paths", "settings"),
)
OPS_PORT_TAKEN_OVER: Final = EventSpec(
    name="observekit.ops_port_taken_over",
    level="info",
    help="The worker that had the ops port has ended; this one answers there from now on.",
    fields=("ops_host", "ops_port"),
)
WORKERS_DEGRADED: Final = EventSpec(
    name="observekit.workers_degraded",
    level="warning",
    help="What this worker counts, or a part of it, cannot be shared with the others for now; it goes on in "
    "its own memory.",
    fields=("directory",),
)
WORKERS_RECOVERED: Final = EventSpec(
    name="observekit.workers_recovered",
    level="info",
    help="What this worker counts is shared with the others again, all that it had kept in memory too.",
    fields=("directory",),
)
CONFIG_REJECTED: Final = EventSpec(
    name="observekit.config_rejected",
    level="warning",
    help="An environment variable was ignored; the service runs with the value in use.",
    fields=("variable", "problem"),
)
INTERNAL_ERROR: Final = EventSpec(
    name="observekit.internal_error",
    level="error",
    help="Something inside observekit failed and was kept away from the service; at most one a minute each.",
    fields=("component", "error", "failures"),
)
METRIC_LEFT_OUT: Final = EventSpec(
    name="observekit.metric_left_out",
    level="info",
    help="A metric is not on the page: its name is taken, its kind unknown, or it was another one before.",
    fields=("metric", "reason"),
)
LOGS_RESUMED: Final = EventSpec(
    name="observekit.logs_resumed",
    level="warning",
    help="Log output works again; says how many records were lost in between.",
    fields=("dropped",),
)
UNCAUGHT_EXCEPTION: Final = EventSpec(
    name="process.uncaught_exception",
    level="by outcome",
    help="An exception that nobody caught ended a thread (error) or the process (critical; warning where "
    "somebody interrupted it).",
    fields=("thread",),
)
UNRAISABLE_EXCEPTION: Final = EventSpec(
    name="process.unraisable_exception",
    level="error",
    help="An exception that nobody could catch, as in a finaliser.",
    fields=("problem", "object"),
)
LEVEL_CHANGED: Final = EventSpec(
    name="observekit.level_changed",
    level="warning",
    help="The level of a logger was changed while the service runs, for so many seconds, or is again what it "
    "was; says who asked for it, or that the time was up.",
    fields=("changed_logger", "from", "to", "for_seconds", "cause"),
)
LOGS_SUPPRESSED: Final = EventSpec(
    name="observekit.logs_suppressed",
    level="warning",
    help="Records of an event that a limit or its share has kept back and of which no later record says so.",
    fields=("suppressed_event", "suppressed"),
)
LOOP_STALLED: Final = EventSpec(
    name="event_loop.stalled",
    level="warning",
    help="The event loop ran nothing for a quarter of a second; says where it was. At most one a minute.",
    fields=("stalled_seconds", "stack"),
)
EXPORT_FAILED: Final = EventSpec(
    name="observekit.export_failed",
    level="warning",
    help="Spans are lost, as many as said since the last time, and why the last of them; "
    "at most one a minute, and one at the end.",
    fields=("spans", "problem"),
)
LOG_EXPORT_FAILED: Final = EventSpec(
    name="observekit.log_export_failed",
    level="warning",
    help="The collector did not get log records, as many as said, and why; they are on standard output. "
    "At most one a minute.",
    fields=("records", "problem"),
)
EXPORT_WAITS: Final = EventSpec(
    name="observekit.export_waits",
    level="warning",
    help="The collector does not take spans for now; as many as said wait, and none is lost. "
    "At most one a minute.",
    fields=("spans", "problem"),
)
LIFECYCLE_CHANGED: Final = EventSpec(
    name="lifecycle.changed",
    level="info",
    help="The process entered another state of its life.",
    fields=("from", "to", "cause"),
)
CHECK_CAPPED: Final = EventSpec(
    name="health.check_capped",
    level="warning",
    help="A health check was registered with more time than its probe has; it gets that of the probe.",
    fields=("check", "problem"),
)
MAINTENANCE_CHANGED: Final = EventSpec(
    name="lifecycle.maintenance_changed",
    level="info",
    help="The process was asked to stay out of traffic for a while, or to come back.",
    fields=("on", "cause"),
)
STARTUP_TASK_ENDED: Final = EventSpec(
    name="lifecycle.startup_task_ended",
    level="by outcome",
    help="A start-up task is done, or has failed, after which start-up is never over.",
    fields=("task", "state", "duration_seconds"),
)
CHECK_BLOCKS_LOOP: Final = EventSpec(
    name="health.check_blocks_loop",
    level="warning",
    help="A step of an asynchronous health check holds the event loop, as when it calls something that is "
    "not asynchronous; at most one a minute for each check.",
    fields=("check", "blocked_seconds"),
)
CHECK_CHANGED: Final = EventSpec(
    name="health.check_changed",
    level="by outcome",
    help="A health check is taken to say something else than before.",
    fields=("check", "probe", "status", "was"),
)

EVENTS: Final = catalogue(value for value in tuple(globals().values()) if isinstance(value, EventSpec))
"""All log events by name."""

Outcome = Literal["ok", "client_error", "server_error", "aborted"]

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""What a request or a connection can come to, as in the ``outcome`` field of its canonical event."""

LEVELS: Final[Mapping[Outcome, str]] = MappingProxyType(
    {"ok": "info", "client_error": "info", "server_error": "error", "aborted": "warning"}
)
"""The level of a canonical event by its outcome."""
