"""Levels of logs: the common one, those of loggers by name, and OpenTelemetry's."""

import pytest

from observekit.config import Config, load
from observekit.errors import ConfigError

_RULE = (
    "must be names of loggers with levels, like 'shop=debug,sqlalchemy.engine=warning' (in code a mapping); "
    "the levels are debug, info, warning, error, critical"
)


@pytest.mark.parametrize("levels", [{"shop": "loud"}, {"": "info"}, {"shop": 10}, "shop=info"])
def test_what_is_no_level_of_a_logger_is_refused(levels: object) -> None:
    with pytest.raises(ConfigError) as told:
        Config(log_levels=levels)  # type: ignore[arg-type]  # what users may write

    assert str(told.value) == f"log_levels is {levels!r}, but {_RULE}."


def test_levels_of_loggers_can_be_compared_and_hashed() -> None:
    first, second = Config(log_levels={"shop": "debug"}), Config(log_levels={"shop": "debug"})

    assert (first, hash(first)) == (second, hash(second))


@pytest.mark.parametrize("text", ["shop", "shop=", "=debug", "shop=debug,orders=loud"])
def test_a_variable_with_one_wrong_level_is_ignored_as_a_whole(text: str) -> None:
    effective = load({"OBSERVEKIT_LOG_LEVELS": text})

    assert (effective.config.log_levels, [one.variable for one in effective.problems]) == (
        {},
        ["OBSERVEKIT_LOG_LEVELS"],
    )


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("trace", "debug"),
        ("DEBUG3", "debug"),
        ("info", "info"),
        ("warn2", "warning"),
        ("warning", "warning"),
        ("error4", "error"),
        ("fatal", "critical"),
    ],
)
def test_the_level_of_opentelemetry_is_read_as_it_names_severities(text: str, level: str) -> None:
    effective = load({"OTEL_LOG_LEVEL": text})

    assert (effective.config.otel_log_level, effective.config.log_level) == (level, "info")


def test_a_severity_that_opentelemetry_does_not_have_is_not_followed() -> None:
    effective = load({"OTEL_LOG_LEVEL": "warn5"})

    assert effective.config.otel_log_level is None
    assert [problem.message for problem in effective.problems] == [
        (
            "OTEL_LOG_LEVEL is 'warn5', but must be one of trace, debug, info, warn, error, fatal, with or "
            "without 2, 3 or 4 after it; the variable is ignored."
        )
    ]
