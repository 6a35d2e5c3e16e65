"""What is set of logs."""

from collections.abc import Mapping
from dataclasses import dataclass

from observekit.config.kinds import (
    HEADERS,
    HTTP_URL,
    LEVELS,
    LOGGER_LEVELS,
    OPTIONAL_LEVEL,
    choice,
    count,
    number,
)
from observekit.config.log_kinds import FLIGHT_LEVEL, RATES, SHARES
from observekit.config.pairs import NOTHING
from observekit.config.setting import Source, logs_below, setting


@dataclass(frozen=True, kw_only=True)
class LogsSettings:
    """Settings of logs."""

    __slots__ = ()

    logs: str = setting(
        "own",
        choice("own", "correlate", "off"),
        "OBSERVEKIT_LOGS",
        help="own: structlog and stdlib records as one stream on stdout; correlate: logging stays as it is "
        "and its records have trace ids; off: logging stays as it is.",
    )
    log_format: str = setting(
        "auto",
        choice("auto", "json", "console", "logfmt"),
        "OBSERVEKIT_LOG_FORMAT",
        help="auto: console where stdout is a terminal, else JSON.",
    )
    log_colors: str = setting(
        "auto",
        choice("auto", "always", "never"),
        "OBSERVEKIT_LOG_COLORS",
        # Source: no-color.org and force-color.org, which Python 3.13 follows too: any text counts.
        Source("NO_COLOR", lambda _: "never", note="any text: never"),
        Source("FORCE_COLOR", lambda _: "always", note="any text: always"),
        Source("TERM", lambda text: "never" if text == "dumb" else None, note="dumb: never"),
        help="Colours of the console format; auto: where stdout is a terminal.",
    )
    log_level: str = setting(
        "info",
        choice(*LEVELS),
        "OBSERVEKIT_LOG_LEVEL",
        help="Records below this level are not taken in.",
    )
    log_levels: Mapping[str, str] = setting(
        NOTHING,
        LOGGER_LEVELS,
        "OBSERVEKIT_LOG_LEVELS",
        help="Levels of loggers by name, of structlog and of logging, and of those below them: the most "
        "specific name wins, log_level is for all others.",
    )
    otel_log_level: str | None = setting(
        None,
        OPTIONAL_LEVEL,
        Source(
            "OTEL_LOG_LEVEL",
            rule="must be one of trace, debug, info, warn, error, fatal, with or without 2, 3 or 4 after it",
            note="trace is debug, fatal is critical",
        ),
        help="From which level on OpenTelemetry's records about itself are taken in, whatever log_level is; "
        "unless given they are as all others.",
    )
    log_limits: Mapping[str, float] = setting(
        NOTHING,
        RATES,
        "OBSERVEKIT_LOG_LIMITS",
        help="Records a second that are written of an event, by its name, * for each that is not named; "
        "others are counted, and told by the next one in its field suppressed. Errors are always written.",
    )
    log_sampling: Mapping[str, float] = setting(
        NOTHING,
        SHARES,
        "OBSERVEKIT_LOG_SAMPLING",
        help="Share of records that is written of an event, as log_limits otherwise; within a trace all of "
        "them or none.",
    )
    log_flight_recorder: str | None = setting(
        None,
        FLIGHT_LEVEL,
        "OBSERVEKIT_LOG_FLIGHT_RECORDER",
        help="From which level on records below the level are kept while a request runs, and written if it "
        "fails or is slow; unless given none are.",
    )
    log_slow_seconds: float = setting(
        # Source: a boundary of the duration histogram, ten times what users notice.
        2.5,
        number(0, 3600, example=", in seconds"),
        "OBSERVEKIT_LOG_SLOW_SECONDS",
        help="A request that takes as long is slow for log_flight_recorder.",
    )
    logs_exporter: str = setting(
        "none",
        choice("none", "otlp"),
        "OTEL_LOGS_EXPORTER",
        help="otlp: records are sent to logs_endpoint as well, with the certificates, the compression and "
        "the time-out of traces.",
    )
    logs_endpoint: str | None = setting(
        None,
        HTTP_URL,
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        logs_below("OTEL_EXPORTER_OTLP_ENDPOINT"),
        help="Full URL that records are sent to over OTLP/HTTP, if logs_exporter is otlp.",
    )
    logs_headers: Mapping[str, str] = setting(
        NOTHING,
        HEADERS,
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        help="Headers sent with each export of records, such as an API key.",
    )
    log_buffer_bytes: int = setting(
        # Source: 4 MiB hold about 10,000 canonical events of 400 bytes, some seconds of a busy worker.
        4 * 1024 * 1024,
        count(64 * 1024, 1024**3),
        "OBSERVEKIT_LOG_BUFFER_BYTES",
        help="Bytes of log lines that wait for a slow reader before further ones are dropped and counted.",
    )
