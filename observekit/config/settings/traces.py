"""What is set of traces: spans, their limits, and their way to the collector."""

from collections.abc import Mapping
from dataclasses import dataclass

from observekit.config.hosts import HOSTS, PROXIES, TRUST
from observekit.config.kinds import (
    FLAG,
    HEADERS,
    HTTP_URL,
    OPTIONAL_SECONDS,
    OPTIONAL_TEXT,
    PROPAGATORS,
    WORDS,
    choice,
    count,
    number,
    parse_true,
)
from observekit.config.pairs import NOTHING
from observekit.config.setting import milliseconds, seconds, setting, traces_below, turned_off


@dataclass(frozen=True, kw_only=True)
class TracesSettings:
    """Settings of traces."""

    __slots__ = ()

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
        choice("http/protobuf", "grpc"),
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        help="How spans are sent; grpc needs the extra otlp-grpc, and usually port 4317.",
    )
    traces_headers: Mapping[str, str] = setting(
        NOTHING,
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
    traces_certificate: str | None = setting(
        None,
        OPTIONAL_TEXT,
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        help="File of the authorities that the collector's certificate must come from, unless the system's.",
    )
    traces_client_certificate: str | None = setting(
        None,
        OPTIONAL_TEXT,
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        help="File of the certificate that is shown to the collector.",
    )
    traces_client_key: str | None = setting(
        None,
        OPTIONAL_TEXT,
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        help="File of its key.",
    )
    traces_timeout_seconds: float = setting(
        # Source: OpenTelemetry Python's exporters, which read these variables in seconds.
        10.0,
        number(0, 300, above=True),
        seconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", most=300),
        seconds("OTEL_EXPORTER_OTLP_TIMEOUT", most=300),
        help="Time one request to the collector may take; what has not arrived by then is tried again.",
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
    keep_errors: bool = setting(
        False,
        FLAG,
        "OBSERVEKIT_KEEP_ERRORS",
        help="Whether what failed is sent although it was not sampled: a request, job or message of this "
        "process, and what is below it.",
    )
    keep_slow_seconds: float | None = setting(
        None,
        OPTIONAL_SECONDS,
        "OBSERVEKIT_KEEP_SLOW",
        help="From how many seconds on they are sent for being slow; None for not at all.",
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
    trusted_proxies: tuple[str, ...] = setting(
        (),
        PROXIES,
        "OBSERVEKIT_TRUSTED_PROXIES",
        help="Proxies whose X-Forwarded-For says where a request comes from, for trust_incoming: networks, "
        "or unix for one behind a Unix socket. That of anybody else is not read.",
    )
    propagate_to: tuple[str, ...] = setting(
        ("always",),
        HOSTS,
        "OBSERVEKIT_PROPAGATE_TO",
        help="Hosts that requests take the trace to: always, never, or any of internal, names, "
        "'.example.com' for all below it, and networks.",
    )
    trust_outgoing: tuple[str, ...] = setting(
        ("internal",),
        HOSTS,
        "OBSERVEKIT_TRUST_OUTGOING",
        help="Hosts that get baggage and tracestate too, in the same words; internal: names without a point "
        "or below .internal, .local, .localhost, .svc and .home.arpa, loopback, private and link-local "
        "addresses.",
    )
    disabled_instrumentations: tuple[str, ...] = setting(
        (),
        WORDS,
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        help="Installed instrumentations of libraries that are not turned on, by the names of their entry "
        "points; '*' for all.",
    )
    trace_response: bool = setting(
        True,
        FLAG,
        "OBSERVEKIT_TRACE_RESPONSE",
        help="Whether responses say the ids of their trace in a traceresponse header.",
    )
    server_timing: bool = setting(
        False,
        FLAG,
        "OBSERVEKIT_SERVER_TIMING",
        help="Whether they say so in a Server-Timing header too, where scripts of browsers can read it.",
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
    span_queue_size: int = setting(
        # Source: not the 2,048 of the specification, which at 200 spans a second are full after ten seconds
        # without a collector. Bytes are what memory is short of.
        65_536,
        count(1, 1_000_000),
        "OTEL_BSP_MAX_QUEUE_SIZE",
        help="Ended spans that wait for export, at the most.",
    )
    span_queue_bytes: int = setting(
        # Source: 60 seconds at 200 spans a second, of 1,300 bytes each.
        16 * 1024 * 1024,
        count(64 * 1024, 1024**3),
        "OBSERVEKIT_SPAN_QUEUE_BYTES",
        help="Bytes of ended spans that wait for export before further ones are dropped and counted.",
    )
    # Source of the next three: OpenTelemetry SDK specification, batching processor.
    span_batch_size: int = setting(
        512, count(1, 100_000), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", help="Spans sent at once."
    )
    span_delay_seconds: float = setting(
        5.0,
        number(0, 3600, above=True),
        milliseconds("OTEL_BSP_SCHEDULE_DELAY", most=3_600_000),
        help="Longest time an ended span waits for others.",
    )
    span_export_timeout_seconds: float = setting(
        30.0,
        number(0, 300, above=True),
        milliseconds("OTEL_BSP_EXPORT_TIMEOUT", most=300_000),
        help="Time one batch may take; the shorter of this and traces_timeout_seconds counts.",
    )
