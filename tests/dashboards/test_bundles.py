"""Boards on Kubernetes and in a mixin are the boards, and the tools they are for take them."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.real.conftest import program
from tests.rules import shipped

_GRAFANA = Path(__file__).parents[2] / "grafana"
_BOARDS = {path.name: path.read_text(encoding="utf-8") for path in (_GRAFANA / "dashboards").glob("*.json")}


def test_each_config_map_carries_one_board_and_the_label_of_the_sidecar() -> None:
    text = (_GRAFANA / "kubernetes" / "observekit-dashboards.yaml").read_text(encoding="utf-8")
    maps = list(yaml.safe_load_all(text))

    assert {key: value for one in maps for key, value in one["data"].items()} == _BOARDS
    assert {one["metadata"]["labels"]["grafana_dashboard"] for one in maps} == {"1"}
    assert [one["metadata"]["name"] + ".json" for one in maps] == [next(iter(one["data"])) for one in maps]
    # Source: the API server takes no object above 1 MiB.
    assert max(len(board) for board in _BOARDS.values()) < 1_000_000


@pytest.mark.real
def test_the_mixin_has_all_boards_all_alerts_and_all_recording_rules() -> None:
    roots = "{boards: m.grafanaDashboards, alerts: m.prometheusAlerts, rules: m.prometheusRules}"
    script = f"local m = import '{_GRAFANA}/mixin/mixin.libsonnet'; {roots}"

    done = subprocess.run([program("jsonnet"), "-e", script], capture_output=True, text=True, check=True)

    found = json.loads(done.stdout)
    rules = [
        rule for kind in ("alerts", "rules") for group in found[kind]["groups"] for rule in group["rules"]
    ]
    assert found["boards"] == {name: json.loads(text) for name, text in _BOARDS.items()}
    assert _sorted(rules) == _sorted(shipped.rules())


@pytest.mark.real
@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "night"), ("warning", "day"), ("info", "nobody")]
)
def test_alertmanager_takes_the_example_and_wakes_nobody_for_less_than_critical(
    severity: str, receiver: str
) -> None:
    config = f"--config.file={_GRAFANA / 'prometheus' / 'alertmanager.yml'}"

    done = subprocess.run(
        [program("amtool"), "config", "routes", "test", config, f"severity={severity}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip()) == (0, receiver), done.stderr


def _sorted(rules: Iterable[shipped.Json]) -> list[str]:
    return sorted(json.dumps(rule, sort_keys=True) for rule in rules)
