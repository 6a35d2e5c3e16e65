"""What is committed is what the code writes, and writing it fails clearly or not at all."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from observekit.cli import main
from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.write import Options, generated, write, write_files
from observekit.errors import ConfigError

_COMMITTED = Path(__file__).parents[2] / "grafana"
_NAMES = [
    *(
        f"dashboards/observekit-{name}.json"
        for name in ("fleet", "service", "slo", "health", "runtime", "telemetry")
    ),
    "provisioning/dashboards.yaml",
    "provisioning/datasources.yaml",
    "prometheus/prometheus.yml",
    "prometheus/migration-rules.yml",
    "prometheus/alertmanager.yml",
    "kubernetes/observekit-dashboards.yaml",
    "mixin/mixin.libsonnet",
]
_RULES = ["rules/observekit.yaml", "kubernetes/observekit-rules.yaml"]


def _contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_the_committed_files_are_what_the_code_writes(tmp_path: Path) -> None:
    written = [path.relative_to(tmp_path).as_posix() for path in write(tmp_path, Options())]
    rules = [
        path.relative_to(tmp_path).as_posix() for path in write_files(tmp_path, rule_files(Parameters()))
    ]

    assert (written, rules) == (_NAMES, _RULES)
    assert _contents(tmp_path) == _contents(_COMMITTED)


def test_the_scrape_interval_reaches_every_query_the_data_source_and_the_scrape() -> None:
    files = generated(Options(scrape_interval="60s"))

    board = json.loads(files["dashboards/observekit-service.json"])
    steps = {target["interval"] for panel in board["panels"] for target in panel.get("targets", ())}
    assert (steps, board["annotations"]["list"][1]["step"]) == ({"60s"}, "60s")
    assert re.findall(r"timeInterval: (.*)", files["provisioning/datasources.yaml"]) == ["60s"]
    assert re.findall(r"scrape_interval: (.*)", files["prometheus/prometheus.yml"]) == ["60s"]


@pytest.mark.parametrize("interval", ["", "15", "0s", "15 s", "1m30s", "15s\n", "quick"])
def test_a_scrape_interval_that_is_no_duration_is_refused(interval: str) -> None:
    with pytest.raises(ConfigError) as told:
        Options(scrape_interval=interval)

    assert str(told.value) == (
        f"scrape_interval is {interval!r}, but must be a whole number of seconds, minutes or hours, like 15s."
    )


def test_nothing_that_is_written_points_to_another_machine() -> None:
    text = "\n".join([*generated(Options()).values(), *rule_files(Parameters()).values()])

    assert set(re.findall(r"https?://([^:/\s]+)", text)) == {"127.0.0.1"}


def test_grafana_does_not_replace_its_own_macros_by_the_environment() -> None:
    sources = generated(Options())["provisioning/datasources.yaml"]

    assert re.findall(r"(?<!\$)\$(?!\$)", sources) == []


@pytest.mark.real
def test_prometheus_takes_the_example_as_it_is(tmp_path: Path) -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed")
    config = tmp_path / "prometheus.yml"
    config.write_text(generated(Options())["prometheus/prometheus.yml"], encoding="utf-8")

    checked = subprocess.run(
        [promtool, "check", "config", "--lint=all", "--lint-fatal", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_command_writes_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["dashboards", "--out", str(tmp_path / "new"), "--scrape-interval", "30s"])

    assert (code, capsys.readouterr().out.splitlines()) == (
        0,
        [str(tmp_path / "new" / name) for name in _NAMES],
    )
    assert sorted(_contents(tmp_path / "new")) == sorted(_NAMES)


def test_the_command_refuses_a_file_in_place_of_a_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")

    code = main(["dashboards", "--out", str(taken)])

    assert (code, capsys.readouterr().err) == (
        2,
        (
            f"observekit: {taken}/dashboards/observekit-fleet.json cannot be written: Not a directory. "
            "Name a directory that can be written.\n"
        ),
    )
    assert taken.read_text(encoding="utf-8") == "mine"


def test_the_command_refuses_a_wrong_scrape_interval_before_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["dashboards", "--out", str(tmp_path), "--scrape-interval", "often"])

    assert (code, capsys.readouterr().err, _contents(tmp_path)) == (
        2,
        (
            "observekit: scrape_interval is 'often', "
            "but must be a whole number of seconds, minutes or hours, like 15s.\n"
        ),
        {},
    )
