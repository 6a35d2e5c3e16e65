"""What is wrong in the environment: ignored, told, and an error only where that was asked for."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.config import Config, Problem, load
from observekit.config.model import SETTINGS
from observekit.errors import ConfigError

_PAIRS_RULE = "must be pairs of texts in UTF-8, like 'key=value,other=value' (in code a mapping)"
_VARIABLES = sorted({source.variable for setting in SETTINGS.values() for source in setting.sources})
# What an environment can hold: no NUL, and bytes outside UTF-8 as lone surrogates.
_TEXTS = st.text(st.characters(exclude_characters="\0")) | st.sampled_from(
    [
        *("true", "off", "1", "0", "-1", "1e9", "nan", "inf", "9" * 5000, "1" * 400, "/metrics", "/livez"),
        *(
            "http://[::1]:4318",
            "http://u:p@h/?q",
            "http://[",
            "a=b",
            "a=%ff",
            "=",
            ",",
            "10.0.0.0/8",
            "private",
        ),
        *("tracecontext", "b3", "json", "traceidratio", "service.name=x", "\udcff", "grpc", "600000", "10"),
    ]
)


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("OBSERVEKIT_METRICS", "maybe", "'maybe', but must be true or false"),
        ("OBSERVEKIT_DISABLED", "2", "'2', but must be true or false"),
        ("OBSERVEKIT_LOG_FORMAT", "xml", "'xml', but must be one of auto, json, console, logfmt"),
        ("OBSERVEKIT_SERIES_LIMIT", "1e3", "'1e3', but must be a whole number from 10 to 1000000"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan", "'nan', but must be a number from 0 to 1, like 0.1"),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "inf",
            "'inf', but must be a number of seconds above 0 and at most 300",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/json",
            "'http/json', but must be one of http/protobuf, grpc",
        ),
        (
            "OTEL_BSP_SCHEDULE_DELAY",
            "0",
            "'0', but must be a number of milliseconds above 0 and at most 3600000",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "team",
            f"'team', but {_PAIRS_RULE}",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "team=%ff",
            f"'team=%ff', but {_PAIRS_RULE}",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "localhost:4318",
            "'localhost:4318', but must be an http or https URL, like 'http://localhost:4318'",
        ),
        ("OTEL_SERVICE_NAME", "shop\udcff", "'shop\\udcff', but must be a text in UTF-8 that is not empty"),
    ],
)
def test_a_wrong_variable_is_ignored_and_told(variable: str, text: str, told: str) -> None:
    effective = load({variable: text})

    assert effective.config == Config()
    assert set(effective.origins.values()) == {"default"}
    assert effective.problems == (Problem(variable, f"{variable} is {told}; the variable is ignored."),)


def test_a_wrong_variable_that_was_to_keep_callers_out_lets_nobody_in() -> None:
    effective = load({"OBSERVEKIT_METRICS_ALLOW": "privat"})

    assert effective.config == Config(metrics_allow=("never",))
    assert effective.origins["metrics_allow"] == "OBSERVEKIT_METRICS_ALLOW"
    assert effective.problems == (
        Problem(
            "OBSERVEKIT_METRICS_ALLOW",
            "OBSERVEKIT_METRICS_ALLOW is 'privat', but must be private, always or never alone, or networks "
            "like '10.0.0.0/8,fd00::/8' (in code a tuple of texts); nobody is let in.",
        ),
    )


def test_a_wrong_variable_leaves_its_place_to_the_next() -> None:
    effective = load({"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "soon", "OTEL_EXPORTER_OTLP_TIMEOUT": "3"})

    assert effective.origins["traces_timeout_seconds"] == "OTEL_EXPORTER_OTLP_TIMEOUT"
    assert [problem.variable for problem in effective.problems] == ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"]


def test_a_wrong_variable_that_something_overrides_is_not_told() -> None:
    effective = load(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OBSERVEKIT_LOG_LEVEL": "loud",
        },
        log_level="debug",
    )

    assert effective.problems == ()


def test_strict_makes_wrong_variables_one_error() -> None:
    environ = {
        "OBSERVEKIT_STRICT": "1",
        "OBSERVEKIT_LOGS": "x",
        "OBSERVEKIT_TRACES": "y",
        "OBSERVEKIT_LOG": "z",
    }

    with pytest.raises(ConfigError) as told:
        load(environ)

    assert str(told.value).splitlines() == [
        "OBSERVEKIT_LOGS is 'x', but must be one of own, correlate, off.",
        "OBSERVEKIT_TRACES is 'y', but must be true or false.",
    ]


def test_strict_lets_an_unknown_variable_pass_with_a_warning() -> None:
    effective = load({"OBSERVEKIT_STRICT": "on", "OBSERVEKIT_LOG": "own"})

    assert [problem.variable for problem in effective.unknown] == ["OBSERVEKIT_LOG"]


def test_a_wrong_value_of_strict_is_told_and_stops_nothing() -> None:
    effective = load({"OBSERVEKIT_STRICT": "very", "OBSERVEKIT_TRACES": "y"})

    assert [problem.message for problem in effective.problems] == [
        "OBSERVEKIT_STRICT is 'very', but must be true or false; the variable is ignored.",
        "OBSERVEKIT_TRACES is 'y', but must be true or false; the variable is ignored.",
    ]


@pytest.mark.parametrize(
    ("variable", "advice"),
    [
        ("OBSERVEKIT_LOG_LEVLE", "; did you mean OBSERVEKIT_LOG_LEVEL?"),
        ("OBSERVEKIT_STRIKT", "; did you mean OBSERVEKIT_STRICT?"),
        ("OBSERVEKIT_SERVICE_NAME", "; did you mean OTEL_SERVICE_NAME?"),
        ("OBSERVEKIT_CHECK_TIMEOUT_SECONDS", "; did you mean OBSERVEKIT_CHECK_TIMEOUT?"),
        ("OBSERVEKIT_SPAN_QUEUE_SIZE", "; did you mean OTEL_BSP_MAX_QUEUE_SIZE?"),
        ("OBSERVEKIT_XYZZY", "."),
        ("OBSERVEKIT_", "."),
    ],
)
def test_an_unknown_variable_is_told_with_the_nearest_known_one(variable: str, advice: str) -> None:
    effective = load({variable: "s3cret", "OTEL_UNHEARD_OF": "1", "PATH": "/bin"})

    assert effective.unknown == (Problem(variable, f"{variable} is no setting of observekit{advice}"),)
    assert effective.config == Config()


def test_the_name_of_an_unknown_variable_cannot_break_a_line() -> None:
    effective = load({"OBSERVEKIT_\n\udcff": "1"})

    assert [problem.message for problem in effective.unknown] == [
        "'OBSERVEKIT_\\n\\udcff' is no setting of observekit."
    ]


def test_an_argument_that_is_no_setting_is_refused_with_everything_else_that_is_wrong() -> None:
    with pytest.raises(ConfigError) as told:
        load({}, servicename="shop", xyzzy=1, log_level="loud")

    assert str(told.value).splitlines() == [
        "'servicename' is no setting; did you mean 'service_name'?",
        "'xyzzy' is no setting.",
        "log_level is 'loud', but must be one of debug, info, warning, error, critical.",
    ]


def test_a_variable_that_contradicts_a_default_is_let_go() -> None:
    effective = load({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "70000"})

    assert effective.config == Config()
    assert effective.problems == (
        Problem(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "span_batch_size is 70000, but must not be over span_queue_size, which is 65536; "
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is ignored.",
        ),
    )


def test_a_variable_that_contradicts_an_argument_is_let_go_and_the_argument_stays() -> None:
    effective = load(
        {"OBSERVEKIT_LIVENESS_PATH": "/health", "OBSERVEKIT_LOGS": "off"}, readiness_path="/health"
    )

    assert effective.config == Config(readiness_path="/health", logs="off")
    assert effective.problems == (
        Problem(
            "OBSERVEKIT_LIVENESS_PATH",
            "readiness_path is '/health', but liveness_path is the same; each needs its own; "
            "OBSERVEKIT_LIVENESS_PATH is ignored.",
        ),
    )


def test_variables_that_contradict_each_other_are_both_let_go() -> None:
    effective = load({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "20", "OTEL_BSP_MAX_QUEUE_SIZE": "10"})

    assert effective.config == Config()
    assert [problem.variable for problem in effective.problems] == [
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BSP_MAX_QUEUE_SIZE",
    ]


def test_an_argument_that_contradicts_a_default_is_refused_whatever_the_environment_says() -> None:
    with pytest.raises(ConfigError) as told:
        load({"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OBSERVEKIT_LOGS": "x"}, span_batch_size=70000)

    assert str(told.value) == (
        "span_batch_size is 70000, but must not be over span_queue_size, which is 65536."
    )


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_VARIABLES), _TEXTS))
def test_no_environment_stops_a_service_or_leads_to_an_invalid_config(environ: dict[str, str]) -> None:
    effective = load(environ)

    assert replace(effective.config) == effective.config
    assert {problem.variable for problem in effective.problems} <= environ.keys()
    assert set(effective.origins.values()) <= {"default", *environ}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*_VARIABLES, "OBSERVEKIT_STRICT", "OBSERVEKIT_X"]), _TEXTS))
def test_a_strict_environment_gives_the_same_config_or_one_config_error(environ: dict[str, str]) -> None:
    lenient = load(environ | {"OBSERVEKIT_STRICT": "0"})
    strict = environ | {"OBSERVEKIT_STRICT": "1"}

    if not lenient.problems:
        assert load(strict) == lenient
        return
    with pytest.raises(ConfigError) as told:
        load(strict)
    messages = [problem.message for problem in lenient.problems]
    assert str(told.value) == "\n".join(
        re.sub("; (the variable is ignored|nobody is let in)[.]$", ".", one) for one in messages
    )
