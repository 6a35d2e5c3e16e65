"""The configuration: each setting with its default, its rule and its environment variables, in one place.

Longer than other files may be, because a table that is cut in two has to be looked for twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from observekit.catalogue.health import LIVENESS, READINESS, STARTUP
from observekit.config.kinds import (
    ADDRESS,
    FLAG,
    HEADERS,
    HTTP_URL,
    OPTIONAL_TEXT,
    PAIRS,
    PATH,
    PORT,
    PROPAGATORS,
    SECRET,
    TEXT,
    TRUST,
    Kind,
    choice,
    count,
    number,
    parse_true,
)
from observekit.config.masked import text
from observekit.config.rules import broken
from observekit.config.setting import (
    Setting,
    milliseconds,
    negated,
    resource,
    seconds,
    setting,
    traces_below,
    turned_off,
)
from observekit.errors import ConfigError
from observekit.semconv import (
    DEPLOYMENT_ENVIRONMENT_NAME,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    VCS_REF_HEAD_REVISION,
)

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of observekit, valid or not made.

    ``Config(...)`` takes what it is given and defaults for the rest; it does not look at the environment.
    ``setup(...)`` and ``load(...)`` do: arguments first, then environment variables, then defaults.

    Raises:
        ConfigError: If any value breaks its rule; the message names all of them.
    """

    enabled: bool = setting(
        True,
        FLAG,
        negated("OBSERVEKIT_DISABLED"),
        help="Off leaves the application exactly as it is.",
    )
    service_name: str = setting(
        # Source: OpenTelemetry resource conventions, service.name.
        "unknown_service:python",
        TEXT,
        "OTEL_SERVICE_NAME",
        resource(SERVICE_NAME),
        help="Name of the service in every signal.",
    )
    service_namespace: str | None = setting(
        None, OPTIONAL_TEXT, resource(SERVICE_NAMESPACE), help="What the service belongs to."
    )
    service_version: str | None = setting(
        None, OPTIONAL_TEXT, resource(SERVICE_VERSION), help="Version of the service."
    )
    service_instance_id: str | None = setting(
        None,
        OPTIONAL_TEXT,
        resource(SERVICE_INSTANCE_ID),
        help="Unique for each process; made where not given.",
    )
    deployment_environment: str | None = setting(
        None,
        OPTIONAL_TEXT,
        resource(DEPLOYMENT_ENVIRONMENT_NAME),
        help="Where the service is deployed, like production.",
    )
    revision: str | None = setting(
        None, OPTIONAL_TEXT, resource(VCS_REF_HEAD_REVISION), help="Commit the service was built from."
    )
    resource_attributes: Mapping[str, str] = setting(
        _NOTHING, PAIRS, "OTEL_RESOURCE_ATTRIBUTES", help="More facts about the service, on every span."
    )

    metrics: bool = setting(True, FLAG, "OBSERVEKIT_METRICS", help="Whether requests are measured.")
    metrics_path: str | None = setting(
        "/metrics", PATH, "OBSERVEKIT_METRICS_PATH", help="Where Prometheus scrapes."
    )
    body_sizes: bool = setting(
        False,
        FLAG,
        "OBSERVEKIT_BODY_SIZES",
        help="Whether sizes of HTTP bodies are measured.",
    )
    metrics_token: str | None = setting(
        None,
        SECRET,
        "OBSERVEKIT_METRICS_TOKEN",
        help="Bearer token that a scrape must bring, on every port; who brings it is also shown the names of "
        "health checks.",
    )
    metrics_allow: tuple[str, ...] = setting(
        ("always",),
        TRUST,
        "OBSERVEKIT_METRICS_ALLOW",
        help="Who may scrape the application's port: always, private (loopback, private and link-local "
        "peers, nothing forwarded), never, or networks. The ops port is not concerned.",
        closed=("never",),
    )
    ops_port: int | None = setting(
        None,
        PORT,
        "OBSERVEKIT_OPS_PORT",
        help="Port on which the metrics page and the health endpoints answer too, from a thread of their "
        "own: also while the event loop is stuck. 0 takes a free one.",
    )
    ops_host: str = setting(
        # Nothing that strangers can reach unless somebody asks for it.
        "127.0.0.1",
        ADDRESS,
        "OBSERVEKIT_OPS_HOST",
        help="Address of the ops port; in a container 0.0.0.0, or :: for IPv6 too.",
    )
    runtime: bool = setting(
        True,
        FLAG,
        "OBSERVEKIT_RUNTIME",
        help="Whether the event loop is watched, and what the kernel says of limits and waiting is shown.",
    )
    series_limit: int = setting(
        # Source: room for 100 routes x 4 methods x 5 status codes in one family.
        2000,
        count(10, 1_000_000),
        "OBSERVEKIT_SERIES_LIMIT",
        help="Series a metric family may have before further label values become _overflow.",
    )
    otel_metrics: bool = setting(
        True,
        FLAG,
        turned_off("OTEL_SDK_DISABLED", parse_true),
        "OBSERVEKIT_OTEL_METRICS",
        help="Whether metrics made through OpenTelemetry's API are on the metrics page.",
    )
    otel_exemplar_filter: str = setting(
        "trace_based",
        choice("trace_based", "always_on", "always_off"),
        "OTEL_METRICS_EXEMPLAR_FILTER",
        help="Which measurements of those metrics may become exemplars.",
    )

    logs: str = setting(
        "own",
        choice("own", "off"),
        "OBSERVEKIT_LOGS",
        help="own: structlog and stdlib records as one stream on stdout; off: logging stays as it is.",
    )
    log_format: str = setting(
        "auto",
        choice("auto", "json", "console"),
        "OBSERVEKIT_LOG_FORMAT",
        help="auto: console where stdout is a terminal, else JSON.",
    )
    log_level: str = setting(
        "info",
        choice("debug", "info", "warning", "error", "critical"),
        "OBSERVEKIT_LOG_LEVEL",
        help="Records below this level are not taken in.",
    )
    log_buffer_bytes: int = setting(
        # Source: 4 MiB hold about 10,000 canonical events of 400 bytes, some seconds of a busy worker.
        4 * 1024 * 1024,
        count(64 * 1024, 1024**3),
        "OBSERVEKIT_LOG_BUFFER_BYTES",
        help="Bytes of log lines that wait for a slow reader before further ones are dropped and counted.",
    )

    traces: bool = setting(
        True,
        FLAG,
        turned_off("OTEL_SDK_DISABLED", parse_true),
        "OBSERVEKIT_TRACES",
        help="Whether requests are traced.",
    )
    traces_exporter: str = setting(
        "otlp",
        choice("otlp", "none"),
        "OTEL_TRACES_EXPORTER",
        help="none: spans are made and not sent, whatever the endpoint is.",
    )
    traces_endpoint: str | None = setting(
        None,
        HTTP_URL,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        traces_below("OTEL_EXPORTER_OTLP_ENDPOINT"),
        help="Full URL that spans are sent to; without one, trace ids are made and logged, nothing is sent.",
    )
    traces_protocol: str = setting(
        "http/protobuf",
        Kind(
            lambda text: text.strip().lower(),
            lambda value: value == "http/protobuf",
            "must be http/protobuf: there is no gRPC yet, and the endpoint for HTTP usually has port 4318",
        ),
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        help="How spans are sent.",
    )
    traces_headers: Mapping[str, str] = setting(
        _NOTHING,
        HEADERS,
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        help="Headers sent with each export, such as an API key.",
    )
    traces_compression: str = setting(
        "none",
        choice("none", "gzip"),
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        help="Compression of exports.",
    )
    traces_timeout_seconds: float = setting(
        # Source: OpenTelemetry Python's exporters, which read these variables in seconds.
        10.0,
        number(0, 300, above=True),
        seconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", most=300),
        seconds("OTEL_EXPORTER_OTLP_TIMEOUT", most=300),
        help="Time one export may take, retries included.",
    )
    traces_sampler: str = setting(
        "parentbased_always_on",
        choice(
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ),
        "OTEL_TRACES_SAMPLER",
        help="Which traces are recorded.",
    )
    traces_sample_ratio: float = setting(
        1.0,
        number(0, 1, example=", like 0.1"),
        "OTEL_TRACES_SAMPLER_ARG",
        help="Share of traces that the traceidratio samplers keep.",
    )
    propagators: tuple[str, ...] = setting(
        ("tracecontext", "baggage"),
        PROPAGATORS,
        "OTEL_PROPAGATORS",
        help="Formats of trace context that are read and written.",
    )
    trust_incoming: tuple[str, ...] = setting(
        ("private",),
        TRUST,
        "OBSERVEKIT_TRUST_INCOMING",
        help="Whose traces are continued: private (loopback, private and link-local peers), always, never, "
        "or networks. Others get a trace of their own with a link to theirs.",
    )
    span_attribute_limit: int = setting(
        128,
        count(1, 10_000),
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        help="Attributes a span.",
    )
    span_attribute_length_limit: int = setting(
        # Source: without a limit, a user agent of 100,000 characters was stored whole.
        1024,
        count(16, 1_000_000),
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        help="Characters the value of a span's attribute may have before it is cut.",
    )
    event_attribute_length_limit: int = setting(
        # Source: 16 KiB hold a traceback of 100 frames, the longest thing an event carries.
        16 * 1024,
        count(16, 1_000_000),
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        help="Characters the value of an attribute of an event or link may have before it is cut.",
    )
    span_event_limit: int = setting(
        128, count(0, 10_000), "OTEL_SPAN_EVENT_COUNT_LIMIT", help="Events a span."
    )
    span_link_limit: int = setting(128, count(0, 10_000), "OTEL_SPAN_LINK_COUNT_LIMIT", help="Links a span.")
    event_attribute_limit: int = setting(
        128, count(0, 10_000), "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", help="Attributes an event of a span."
    )
    link_attribute_limit: int = setting(
        128, count(0, 10_000), "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", help="Attributes a link of a span."
    )
    # Source of the next three: OpenTelemetry SDK specification, batching processor.
    span_queue_size: int = setting(
        2048, count(1, 1_000_000), "OTEL_BSP_MAX_QUEUE_SIZE", help="Ended spans that wait for export."
    )
    span_batch_size: int = setting(
        512, count(1, 100_000), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", help="Spans sent at once."
    )
    span_delay_seconds: float = setting(
        5.0,
        number(0, 3600, above=True),
        milliseconds("OTEL_BSP_SCHEDULE_DELAY", most=3_600_000),
        help="Longest time an ended span waits for others.",
    )

    health: bool = setting(True, FLAG, "OBSERVEKIT_HEALTH", help="Whether the health endpoints answer.")
    liveness_path: str | None = setting(
        LIVENESS.path, PATH, "OBSERVEKIT_LIVENESS_PATH", help="Where the liveness probe asks."
    )
    readiness_path: str | None = setting(
        READINESS.path, PATH, "OBSERVEKIT_READINESS_PATH", help="Where the readiness probe asks."
    )
    startup_path: str | None = setting(
        STARTUP.path, PATH, "OBSERVEKIT_STARTUP_PATH", help="Where the start-up probe asks."
    )
    # Source of the next two: the kubelet waits 1 s for a probe unless told otherwise.
    check_timeout_seconds: float = setting(
        0.8, number(0, 60, above=True), "OBSERVEKIT_CHECK_TIMEOUT", help="Time one health check may take."
    )
    probe_timeout_seconds: float = setting(
        0.9,
        number(0, 60, above=True),
        "OBSERVEKIT_PROBE_TIMEOUT",
        help="Time all checks of a probe may take.",
    )
    check_cache_seconds: float = setting(
        # Source: published advice is 2 to 5 s, which keeps a herd of probes away from a dependency.
        2.0,
        number(0, 3600),
        "OBSERVEKIT_CHECK_CACHE",
        help="How long the result of a check is reused.",
    )

    shutdown_budget_seconds: float = setting(
        # Source: orchestrators give a process 10 to 30 s to end; telemetry must not take half of that.
        5.0,
        number(0, 60, above=True),
        "OBSERVEKIT_SHUTDOWN_BUDGET",
        help="Time the last spans and log lines may take when the process ends.",
    )

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in SETTINGS}
        if problems := [message for _, message in broken(SETTINGS, values)]:
            raise ConfigError("\n".join(problems))
        for name in ("resource_attributes", "traces_headers"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={shown(name, getattr(self, name))}" for name in SETTINGS)
        return f"{type(self).__name__}({told})"


SETTINGS: Final[dict[str, Setting]] = {one.name: one.metadata["setting"] for one in fields(Config)}
"""What is known about each setting, by name."""


def shown(name: str, value: object) -> str:
    """Return *value* as Python would write it, without secrets, and of a URL only where it leads."""
    return text(SETTINGS[name].kind.masked(value))
