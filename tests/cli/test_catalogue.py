"""``observekit catalogue``: everything there is, for people, programs and documents."""

import json
import subprocess
from collections.abc import Callable

import pytest

from observekit.catalogue import EVENTS, METRICS, PROBES, SPANS
from observekit.cli.documents import fill, markdown
from observekit.config.model import SETTINGS

Run = Callable[..., subprocess.CompletedProcess[str]]

_SECTIONS = {
    "metrics": list(METRICS),
    "events": list(EVENTS),
    "spans": list(SPANS),
    "probes": list(PROBES),
    "settings": list(SETTINGS),
}


def test_the_text_names_everything_with_its_help(command: Run) -> None:
    done = command("catalogue")

    lines = done.stdout.splitlines()
    named = [line for line in lines if line and not line.startswith(" ")]
    assert (done.returncode, done.stderr) == (0, "")
    assert named == [line for section, names in _SECTIONS.items() for line in (section.upper(), *names)]
    assert lines[:2] == ["METRICS", ""]
    assert lines[lines.index("observekit_log_records_dropped_total") :][:8] == [
        "observekit_log_records_dropped_total",
        "    Log records that were taken in and will never be written.",
        "    type: counter",
        "    labels: reason",
        "    values: reason = buffer_full, no_output, write_failed",
        "    across workers: sum",
        "    made by: observekit",
        "",
    ]


def test_a_section_can_be_had_alone(command: Run) -> None:
    done = command("catalogue", "--section", "probes")

    assert done.returncode == 0
    assert done.stdout == (
        "PROBES\n"
        "\n"
        "liveness\n"
        "    Would a restart help this process? Never asks a dependency.\n"
        "    path: /livez\n"
        "    fails when: a liveness check fails, the life cycle is broken, or the event loop is stuck for "
        "long\n"
        "\n"
        "readiness\n"
        "    Should this instance get traffic now?\n"
        "    path: /readyz\n"
        "    fails when: the life cycle is not ready, start-up is not over, maintenance is on, a required "
        "check fails, or the event loop is stuck\n"
        "\n"
        "startup\n"
        "    Has this process finished starting?\n"
        "    path: /startupz\n"
        "    fails when: the life cycle is starting or broken, a start-up task is at work or has failed, or "
        "a start-up check has not passed yet\n"
    )


def test_the_json_is_versioned_and_sorted_by_name(command: Run) -> None:
    done = command("catalogue", "--format", "json")

    data = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stdout == json.dumps(data, indent=2, sort_keys=True) + "\n"
    assert data.pop("format_version") == 1
    assert {section: [one["name"] for one in entries] for section, entries in data.items()} == {
        section: sorted(names) for section, names in _SECTIONS.items()
    }


def test_the_json_is_the_same_in_every_process(command: Run) -> None:
    first = command("catalogue", "--format", "json", PYTHONHASHSEED="1")
    second = command("catalogue", "--format", "json", PYTHONHASHSEED="2")

    assert first.stdout == second.stdout


def test_an_entry_in_json_says_all_that_is_known(command: Run) -> None:
    done = command("catalogue", "--format", "json")

    data = json.loads(done.stdout)
    by_name = {one["name"]: one for section in ("metrics", "settings") for one in data[section]}
    assert by_name["observekit_export_duration_seconds"] == {
        "name": "observekit_export_duration_seconds",
        "type": "histogram",
        "unit": "seconds",
        "labels": ["signal", "outcome"],
        "help": "Time one request to the collector took.",
        "values": {"signal": ["logs", "traces"], "outcome": ["exported", "failed", "rejected"]},
        "buckets": [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0],
        "across_workers": "sum",
        "made_by": "observekit",
    }
    assert by_name["span_delay_seconds"] == {
        "name": "span_delay_seconds",
        "default": 5.0,
        "variables": [{"name": "OTEL_BSP_SCHEDULE_DELAY", "note": "in milliseconds"}],
        "help": "Longest time an ended span waits for others.",
        "rule": "must be a number above 0 and at most 3600",
    }


@pytest.mark.parametrize("section", _SECTIONS)
def test_a_markdown_table_has_a_row_for_each_entry(command: Run, section: str) -> None:
    done = command("catalogue", "--format", "markdown", "--section", section)

    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [row[0].strip("`") for row in rows[2:]] == _SECTIONS[section]
    assert {line.count(" | ") for line in done.stdout.splitlines()} == {len(rows[0]) - 1}


def test_a_setting_in_markdown_names_its_variables_in_order() -> None:
    rows = markdown("settings").splitlines()

    assert rows[:2] == ["| Name | Default | Variables | Help |", "| --- | --- | --- | --- |"]
    assert (
        "| `traces_endpoint` | `None` | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` (with /v1/traces) | Full URL that spans are sent to; without one, "
        "trace ids are made and logged, nothing is sent. |"
    ) in rows


def test_all_sections_in_markdown_have_headings(command: Run) -> None:
    done = command("catalogue", "--format", "markdown")

    assert [line for line in done.stdout.splitlines() if line.startswith("#")] == [
        "## Metrics",
        "## Events",
        "## Spans",
        "## Probes",
        "## Settings",
    ]


def test_filling_a_document_changes_what_is_between_its_markers_only() -> None:
    document = "a\n<!-- probes:begin -->\nold\n<!-- probes:end -->\nb <!-- metrics:begin -->\nopen"

    filled = fill(document)

    assert filled == (
        f"a\n<!-- probes:begin -->\n{markdown('probes')}\n<!-- probes:end -->\nb <!-- metrics:begin -->\nopen"
    )
    assert fill(filled) == filled


def test_wrong_usage_exits_with_2(command: Run) -> None:
    done = command("catalogue", "--section", "boards")

    assert (done.returncode, done.stdout) == (2, "")
