"""``observekit check``: what is in effect, where it came from, and what is wrong."""

import json
import subprocess
from collections.abc import Callable

import pytest

from observekit.cli.check import report
from observekit.config.model import SETTINGS

Run = Callable[..., subprocess.CompletedProcess[str]]

_CANARY = "s3cret"
_SECRETS = {
    "OTEL_EXPORTER_OTLP_HEADERS": (
        *("api-key=s3cret", "authorization=Bearer%20s3cret", "s3cret=", "s3cret", "api key=s3cret"),
        *("api-key: s3cret", "=s3cret", "api-key=s3cret%0a", "api-key=%ffs3cret", "s3cret=%"),
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        *("http://user:s3cret@localhost:4318", "http://localhost/?token=s3cret", "http://localhost/#s3cret"),
        *("http://localhost/tenant/s3cret", "http://user:1/s3cret@localhost", "user:s3cret@localhost:4318"),
        *("http://user:s3cret@localhost:0", "http://localhost:s3cret", "http://[s3cret", "s3cret"),
    ),
}
_PLANTED = [
    (variable.replace("OTLP_", middle), text)
    for variable, texts in _SECRETS.items()
    for middle in ("OTLP_", "OTLP_TRACES_")
    for text in texts
]


def _rows(text: str) -> dict[str, list[str]]:
    table, _, _ = text.partition("\n\n")
    return {line.split()[0]: line.split(maxsplit=1)[1].rsplit(maxsplit=1) for line in table.splitlines()}


def test_an_environment_with_nothing_wrong_exits_with_0(command: Run) -> None:
    done = command("check")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n\nNothing is wrong.\n")
    assert list(_rows(done.stdout)) == ["SETTING", *SETTINGS]


def test_each_value_is_printed_with_its_origin(command: Run) -> None:
    done = command(
        "check",
        OTEL_SERVICE_NAME="shop",
        OBSERVEKIT_METRICS_PATH="off",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:s3cret@localhost:4318",
        OTEL_EXPORTER_OTLP_HEADERS="api-key=s3cret",
    )

    rows = _rows(done.stdout)
    changed = {name: row for name, row in rows.items() if row[1] not in {"default", "ORIGIN"}}
    assert done.returncode == 0
    assert changed == {
        "service_name": ["'shop'", "OTEL_SERVICE_NAME"],
        "metrics_path": ["None", "OBSERVEKIT_METRICS_PATH"],
        "traces_endpoint": ["'http://localhost:4318/v1/traces'", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        "traces_headers": ["'[redacted]'", "OTEL_EXPORTER_OTLP_HEADERS"],
        "logs_endpoint": ["'http://localhost:4318/v1/logs'", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        "logs_headers": ["'[redacted]'", "OTEL_EXPORTER_OTLP_HEADERS"],
    }
    assert rows["log_level"] == ["'info'", "default"]


def test_the_columns_are_aligned_even_below_a_long_value() -> None:
    text, _ = report({"OTEL_SERVICE_NAME": "x" * 200}, form="text")

    lines = text.partition("\n\n")[0].splitlines()
    second, third = lines[0].index("VALUE"), lines[0].index("ORIGIN")
    assert {line[second - 2 : second] for line in lines} == {"  "}
    assert {line[third - 2 : third] for line in lines if "xxx" not in line} == {"  "}
    assert {line[third:] for line in lines if "xxx" not in line} == {"ORIGIN", "default"}


@pytest.mark.parametrize("strict", [{}, {"OBSERVEKIT_STRICT": "0"}])
def test_what_is_wrong_is_told_and_exits_with_1(command: Run, strict: dict[str, str]) -> None:
    done = command("check", OBSERVEKIT_LOGS="x", OBSERVEKIT_LOG_LEVLE="debug", **strict)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.partition("\n\n")[2].splitlines() == [
        "2 wrong:",
        "  OBSERVEKIT_LOGS is 'x', but must be one of own, correlate, off; the variable is ignored.",
        "  OBSERVEKIT_LOG_LEVLE is no setting of observekit; did you mean OBSERVEKIT_LOG_LEVEL?",
    ]


def test_strict_adds_that_no_service_would_start_and_keeps_the_report(command: Run) -> None:
    environ = {"OBSERVEKIT_LOGS": "x", "OTEL_SERVICE_NAME": "shop"}

    lenient = command("check", **environ)
    strict = command("check", **environ, OBSERVEKIT_STRICT="1")

    assert (lenient.returncode, strict.returncode, strict.stderr) == (1, 1, "")
    assert strict.stdout == (
        f"{lenient.stdout}OBSERVEKIT_STRICT is set: a service does not start with this environment.\n"
    )


def test_an_unknown_variable_alone_exits_with_1(command: Run) -> None:
    done = command("check", OBSERVEKIT_XYZZY="s3cret")

    assert done.returncode == 1
    assert done.stdout.partition("\n\n")[2] == "1 wrong:\n  OBSERVEKIT_XYZZY is no setting of observekit.\n"


def test_the_json_form_tells_the_same(command: Run) -> None:
    done = command(
        "check", "--format", "json", OBSERVEKIT_LOGS="x", OBSERVEKIT_STRICT="1", OTEL_SERVICE_NAME="a"
    )

    data = json.loads(done.stdout)
    by_name = {one["name"]: (one["value"], one["origin"]) for one in data.pop("settings")}
    assert done.returncode == 1
    assert data == {
        "format_version": 1,
        "problems": [
            {
                "variable": "OBSERVEKIT_LOGS",
                "message": (
                    "OBSERVEKIT_LOGS is 'x', but must be one of own, correlate, off; the variable is ignored."
                ),
            }
        ],
        "unknown": [],
        "strict": True,
    }
    assert list(by_name) == list(SETTINGS)
    assert by_name["service_name"] == ("a", "OTEL_SERVICE_NAME")
    assert by_name["propagators"] == (["tracecontext", "baggage"], "default")
    assert by_name["traces_headers"] == ({}, "default")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("variable", "value"), _PLANTED)
def test_a_secret_is_never_printed(form: str, variable: str, value: str) -> None:
    text, _ = report({variable: value}, form=form)

    assert _CANARY not in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_is_not_printed_by_a_process_either(command: Run, form: str) -> None:
    done = command(
        "check",
        *("--format", form),
        OTEL_EXPORTER_OTLP_HEADERS="s3cret",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="api-key=s3cret",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:s3cret@localhost:port",
        OBSERVEKIT_STRICT="1",
    )

    assert (done.returncode, done.stderr) == (1, "")
    assert _CANARY not in done.stdout


def test_a_terminal_without_unicode_gets_the_report_all_the_same(command: Run) -> None:
    done = command("check", OTEL_SERVICE_NAME="café", PYTHONIOENCODING="ascii", PYTHONUTF8="1")

    assert (done.returncode, done.stderr) == (0, "")
    assert _rows(done.stdout)["service_name"] == [r"'caf\xe9'", "OTEL_SERVICE_NAME"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_bytes_outside_utf_8_are_reported_and_stop_nothing(command: Run, form: str) -> None:
    done = command("check", "--format", form, OTEL_SERVICE_NAME="shop\udcff")

    assert (done.returncode, done.stderr) == (1, "")


def test_wrong_usage_exits_with_2(command: Run) -> None:
    done = command("check", "--format", "yaml")

    assert (done.returncode, done.stdout) == (2, "")
