"""The environment: what is read from where, and what goes before what."""

import pytest

from observekit.config import Config, Problem, load
from observekit.config.model import SETTINGS

_VARIABLES = [source.variable for setting in SETTINGS.values() for source in setting.sources]


def test_an_empty_environment_gives_every_default() -> None:
    effective = load({})

    assert effective.config == Config()
    assert effective.origins == dict.fromkeys(SETTINGS, "default")
    assert (effective.problems, effective.unknown) == ((), ())


def test_every_variable_is_read_into_its_setting() -> None:
    effective = load(
        {
            "OBSERVEKIT_DISABLED": "true",
            "OTEL_SERVICE_NAME": " shop ",
            "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=eu,service.version=1.2,service.instance.id=a-1,"
            "deployment.environment.name=production,vcs.ref.head.revision=abc,team=pay",
            "OBSERVEKIT_METRICS": "no",
            "OBSERVEKIT_METRICS_PATH": "/m",
            "OBSERVEKIT_BODY_SIZES": "on",
            "OBSERVEKIT_METRICS_TOKEN": " s3cret\n",
            "OBSERVEKIT_METRICS_ALLOW": "10.0.0.0/8",
            "OBSERVEKIT_OPS_PORT": "9000",
            "OBSERVEKIT_OPS_HOST": "::1",
            "OBSERVEKIT_SERIES_LIMIT": "100",
            "OBSERVEKIT_OTEL_METRICS": "off",
            "OTEL_METRICS_EXEMPLAR_FILTER": "ALWAYS_OFF",
            "OBSERVEKIT_LOGS": "OFF",
            "OBSERVEKIT_LOG_FORMAT": "Json",
            "NO_COLOR": "1",
            "OBSERVEKIT_LOG_LEVEL": "DEBUG",
            "OBSERVEKIT_LOG_LEVELS": "shop=Warning",
            "OTEL_LOG_LEVEL": " Warn ",
            "OBSERVEKIT_LOG_LIMITS": "order.polled=10,*=1000",
            "OBSERVEKIT_LOG_SAMPLING": "cache.hit=0.01",
            "OBSERVEKIT_LOG_FLIGHT_RECORDER": "debug",
            "OBSERVEKIT_LOG_SLOW_SECONDS": "1.5",
            "OTEL_LOGS_EXPORTER": "OTLP",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://localhost:4318/logs",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "api-key=c",
            "OBSERVEKIT_LOG_BUFFER_BYTES": "65536",
            "OBSERVEKIT_REDACTION_KEYS": "iban, tax_id",
            "OBSERVEKIT_REDACTION_ALLOW": "session_id",
            "OBSERVEKIT_TRACES": "0",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://localhost:4318/traces",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=a%20b,x-team=pay",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/tls/ca.pem",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": "/tls/own.pem",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "/tls/own.key",
            "OBSERVEKIT_SPAN_QUEUE_BYTES": "100000",
            "OTEL_TRACES_EXPORTER": "None",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2.5",
            "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OBSERVEKIT_KEEP_ERRORS": "yes",
            "OBSERVEKIT_KEEP_SLOW": "0.5",
            "OTEL_PROPAGATORS": "baggage, tracecontext,baggage",
            "OBSERVEKIT_TRUST_INCOMING": "10.0.0.0/8, fd00::/8",
            "OBSERVEKIT_TRUSTED_PROXIES": "10.0.0.1/32, unix",
            "OBSERVEKIT_PROPAGATE_TO": "internal,.example.com",
            "OBSERVEKIT_TRUST_OUTGOING": "never",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests, urllib3",
            "OBSERVEKIT_TRACE_RESPONSE": "no",
            "OBSERVEKIT_SERVER_TIMING": "yes",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "16",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "32",
            "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
            "OTEL_SPAN_LINK_COUNT_LIMIT": "3",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "4",
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "5",
            "OTEL_BSP_MAX_QUEUE_SIZE": "60",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50",
            "OTEL_BSP_SCHEDULE_DELAY": "250",
            "OTEL_BSP_EXPORT_TIMEOUT": "1500",
            "OBSERVEKIT_WORKER_DIRECTORY": "/run/shop",
            "OBSERVEKIT_RUNTIME": "off",
            "OBSERVEKIT_HEALTH": "off",
            "OBSERVEKIT_LIVENESS_PATH": "/live",
            "OBSERVEKIT_READINESS_PATH": "/ready",
            "OBSERVEKIT_STARTUP_PATH": "off",
            "OBSERVEKIT_CHECK_TIMEOUT": "1",
            "OBSERVEKIT_PROBE_TIMEOUT": "2",
            "OBSERVEKIT_CHECK_CACHE": "0",
            "OBSERVEKIT_CHECK_FAIL_AFTER": "3",
            "OBSERVEKIT_CHECK_PASS_AFTER": "4",
            "OBSERVEKIT_LIVENESS_STALL": "60",
            "OBSERVEKIT_READINESS_WORKERS": "quorum",
            "OBSERVEKIT_DRAIN_DELAY": "3",
            "OBSERVEKIT_DRAIN_TIMEOUT": "60",
            "OBSERVEKIT_HEARTBEAT_FILE": "/run/shop",
            "OBSERVEKIT_MANAGEMENT": "on",
            "OBSERVEKIT_SHUTDOWN_BUDGET": "1",
        }
    )

    assert (effective.problems, effective.unknown) == ((), ())
    assert "default" not in effective.origins.values()
    assert effective.config == Config(
        enabled=False,
        service_name="shop",
        service_namespace="eu",
        service_version="1.2",
        service_instance_id="a-1",
        deployment_environment="production",
        revision="abc",
        resource_attributes={
            "service.namespace": "eu",
            "service.version": "1.2",
            "service.instance.id": "a-1",
            "deployment.environment.name": "production",
            "vcs.ref.head.revision": "abc",
            "team": "pay",
        },
        metrics=False,
        metrics_path="/m",
        body_sizes=True,
        metrics_token="s3cret",  # noqa: S106 -- the point of the test
        metrics_allow=("10.0.0.0/8",),
        ops_port=9000,
        ops_host="::1",
        worker_directory="/run/shop",
        runtime=False,
        series_limit=100,
        otel_metrics=False,
        otel_exemplar_filter="always_off",
        logs="off",
        log_format="json",
        log_colors="never",
        log_level="debug",
        log_levels={"shop": "warning"},
        otel_log_level="warning",
        log_limits={"order.polled": 10, "*": 1000},
        log_sampling={"cache.hit": 0.01},
        log_flight_recorder="debug",
        log_slow_seconds=1.5,
        logs_exporter="otlp",
        logs_endpoint="https://localhost:4318/logs",
        logs_headers={"api-key": "c"},
        log_buffer_bytes=65536,
        redaction_keys=("iban", "tax_id"),
        redaction_allow=("session_id",),
        traces=False,
        traces_endpoint="https://localhost:4318/traces",
        traces_headers={"api-key": "a b", "x-team": "pay"},
        traces_exporter="none",
        traces_compression="gzip",
        traces_timeout_seconds=2.5,
        traces_sampler="traceidratio",
        traces_sample_ratio=0.25,
        keep_errors=True,
        keep_slow_seconds=0.5,
        propagators=("baggage", "tracecontext"),
        trust_incoming=("10.0.0.0/8", "fd00::/8"),
        trusted_proxies=("10.0.0.1/32", "unix"),
        propagate_to=("internal", ".example.com"),
        trust_outgoing=("never",),
        disabled_instrumentations=("requests", "urllib3"),
        trace_response=False,
        server_timing=True,
        span_attribute_limit=1,
        span_attribute_length_limit=16,
        event_attribute_length_limit=32,
        span_event_limit=2,
        span_link_limit=3,
        event_attribute_limit=4,
        link_attribute_limit=5,
        traces_certificate="/tls/ca.pem",
        traces_client_certificate="/tls/own.pem",
        traces_client_key="/tls/own.key",
        span_queue_bytes=100_000,
        span_queue_size=60,
        span_batch_size=50,
        span_delay_seconds=0.25,
        span_export_timeout_seconds=1.5,
        health=False,
        liveness_path="/live",
        readiness_path="/ready",
        startup_path=None,
        check_timeout_seconds=1.0,
        probe_timeout_seconds=2.0,
        check_cache_seconds=0.0,
        check_fail_after=3,
        check_pass_after=4,
        liveness_stall_seconds=60.0,
        readiness_workers="quorum",
        drain_delay_seconds=3.0,
        drain_timeout_seconds=60.0,
        heartbeat_file="/run/shop",
        management=True,
        shutdown_budget_seconds=1.0,
    )


def test_an_argument_goes_before_a_variable_and_a_variable_before_the_default() -> None:
    effective = load({"OBSERVEKIT_LOG_LEVEL": "error", "OBSERVEKIT_LOGS": "off"}, log_level="debug")

    assert effective.config == Config(log_level="debug", logs="off")
    assert effective.origins == dict.fromkeys(SETTINGS, "default") | {
        "log_level": "argument",
        "logs": "OBSERVEKIT_LOGS",
    }


@pytest.mark.parametrize(
    ("environ", "name", "value", "origin"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b/", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"},
            "traces_endpoint",
            "http://a",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:4318/"},
            "traces_endpoint",
            "http://b:4318/v1/traces",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:4318/otlp/?tenant=1"},
            "traces_endpoint",
            "http://[::1]:4318/otlp/v1/traces?tenant=1",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=b", "OTEL_SERVICE_NAME": "a"},
            "service_name",
            "a",
            "OTEL_SERVICE_NAME",
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=b", "OTEL_SERVICE_NAME": " "},
            "service_name",
            "b",
            "OTEL_RESOURCE_ATTRIBUTES",
        ),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=%20"},
            "service_name",
            "unknown_service:python",
            "default",
        ),
        (
            {"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "6"},
            "span_attribute_limit",
            6,
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        ),
        (
            {"OBSERVEKIT_TRACES": "on", "OTEL_SDK_DISABLED": "true"},
            "traces",
            False,
            "OTEL_SDK_DISABLED",
        ),
        (
            {"OBSERVEKIT_TRACES": "off", "OTEL_SDK_DISABLED": "false"},
            "traces",
            False,
            "OBSERVEKIT_TRACES",
        ),
    ],
)
def test_of_several_variables_the_first_that_says_something_wins(
    environ: dict[str, str], name: str, value: object, origin: str
) -> None:
    effective = load(environ)

    assert (getattr(effective.config, name), effective.origins[name]) == (value, origin)
    assert effective.problems == ()


def test_resource_attributes_are_percent_decoded() -> None:
    effective = load({"OTEL_RESOURCE_ATTRIBUTES": " team = caf%C3%A9 %2C bar , k%3Dey=a=b,,empty="})

    assert effective.config.resource_attributes == {"team": "café , bar", "k=ey": "a=b", "empty": ""}


def test_an_empty_variable_counts_as_not_set() -> None:
    effective = load(dict.fromkeys([*_VARIABLES, "OBSERVEKIT_STRICT"], " "))

    assert effective == load({})


@pytest.mark.parametrize(
    ("text", "kept"), [("true", False), ("TRUE", False), (" True ", False), ("false", True)]
)
def test_opentelemetry_is_turned_off_by_true_in_any_case_and_health_goes_on(text: str, *, kept: bool) -> None:
    effective = load({"OTEL_SDK_DISABLED": text})

    config = effective.config
    assert (config.traces, config.otel_metrics, effective.problems) == (kept, kept, ())
    assert (config.enabled, config.health, config.metrics) == (True, True, True)


@pytest.mark.parametrize("text", ["1", "yes", "on", "0"])
def test_opentelemetry_is_not_disabled_by_anything_but_true(text: str) -> None:
    effective = load({"OTEL_SDK_DISABLED": text})

    told = f"OTEL_SDK_DISABLED is {text!r}, but must be true or false; the variable is ignored."
    assert effective.config.traces
    assert effective.problems == (Problem("OTEL_SDK_DISABLED", told),)


@pytest.mark.parametrize("text", ["off", "OFF", "none"])
def test_a_path_is_turned_off_by_a_word(text: str) -> None:
    effective = load({"OBSERVEKIT_METRICS_PATH": text})

    assert effective.config == Config(metrics_path=None)
    assert effective.origins["metrics_path"] == "OBSERVEKIT_METRICS_PATH"


@pytest.mark.parametrize("text", ["off", "None"])
def test_the_ops_port_is_turned_off_by_a_word(text: str) -> None:
    effective = load({"OBSERVEKIT_OPS_PORT": text})

    assert (effective.config, effective.problems) == (Config(), ())
    assert effective.origins["ops_port"] == "OBSERVEKIT_OPS_PORT"


def test_a_token_in_any_bytes_is_a_token() -> None:
    effective = load({"OBSERVEKIT_METRICS_TOKEN": "s3cr\udcff"})

    assert (effective.config.metrics_token, effective.problems) == ("s3cr\udcff", ())
