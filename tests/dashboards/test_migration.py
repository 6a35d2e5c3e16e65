"""The rules of a migration carry over what is there, and nothing twice, as Prometheus computes them."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from observekit.catalogue import METRICS
from observekit.dashboards.migration import migration_yaml

Differences = Callable[[str, str], str]

DURATION = """
DURATION_bucket{METHOD="GET",ROUTE="/a",CODE="200",le="0.005"} 1
DURATION_bucket{METHOD="GET",ROUTE="/a",CODE="200",le="0.1"} 2
DURATION_bucket{METHOD="GET",ROUTE="/a",CODE="200",le="1.0"} 4
DURATION_bucket{METHOD="GET",ROUTE="/a",CODE="200",le="+Inf"} 5
DURATION_count{METHOD="GET",ROUTE="/a",CODE="200"} 5
DURATION_sum{METHOD="GET",ROUTE="/a",CODE="200"} 2.5
DURATION_count{METHOD="GET",ROUTE="/a",CODE="204"} 3
DURATION_count{METHOD="PUT",ROUTE="_unmatched",CODE="404"} 7
"""
SIZES = """
http_server_request_body_size_bytes_count{METHOD="GET",ROUTE="/a",CODE="200"} 5
http_server_request_body_size_bytes_sum{METHOD="GET",ROUTE="/a",CODE="200"} 50
http_server_response_body_size_bytes_count{METHOD="GET",ROUTE="/a",CODE="200"} 4
http_server_response_body_size_bytes_sum{METHOD="GET",ROUTE="/a",CODE="200"} 40
"""
ACTIVE = """
http_server_active_requests{METHOD="GET"} 2
http_server_active_requests{METHOD="PUT"} 1
"""
INSTRUMENTATOR = """
http_requests_total{method="GET",status="2xx",handler="/a"} 8
http_requests_total{method="GET",status="4xx",handler="none"} 2
http_request_duration_seconds_bucket{method="GET",handler="/a",le="0.1"} 7
http_request_duration_seconds_bucket{method="GET",handler="/a",le="+Inf"} 8
http_request_duration_seconds_count{method="GET",handler="/a"} 8
http_request_duration_seconds_sum{method="GET",handler="/a"} 0.75
http_request_size_bytes_count{handler="/a"} 8
http_request_size_bytes_sum{handler="/a"} 80
http_response_size_bytes_count{handler="/a"} 6
http_response_size_bytes_sum{handler="/a"} 60
http_requests_inprogress{} 3
"""
EXPORTER = """
starlette_requests_total{method="GET",path="/a",status_code="200",app_name="shop"} 8
STARLETTE_bucket{method="GET",path="/a",status_code="200",app_name="shop",le="0.1"} 7
STARLETTE_count{method="GET",path="/a",status_code="200",app_name="shop"} 8
STARLETTE_sum{method="GET",path="/a",status_code="200",app_name="shop"} 0.75
STARLETTE_count{method="GET",path="__unknown__",status_code="404",app_name="shop"} 1
starlette_requests_in_progress{method="GET",app_name="shop"} 3
"""
_SHORT = {
    "DURATION": "http_server_request_duration_seconds",
    "METHOD": "http_request_method",
    "ROUTE": "http_route",
    "CODE": "http_response_status_code",
    "APP": 'app_name="starlette"',
    "STARLETTE": "starlette_request_duration_seconds",
    "OURS": 'migrated_from="observekit"',
    "THEIRS": 'migrated_from="prometheus-fastapi-instrumentator"',
    "OTHERS": 'migrated_from="starlette-exporter"',
}


def _series(text: str) -> dict[str, float]:
    """Read series as scraped from one instance, with the short words written out."""
    for short, long in _SHORT.items():
        text = text.replace(short, long)
    found = {}
    for line in text.split("\n"):
        if line:
            series, _, value = line.rpartition(" ")
            separator = "" if series.endswith(("{}", ",}")) else ","
            found[f'{series[:-1]}{separator}job="shop",instance="a"}}'] = float(value)
    return found


@pytest.fixture
def promtool() -> str:
    if not (found := shutil.which("promtool")):
        pytest.skip("promtool is not installed")
    return found


@pytest.fixture
def differences(promtool: str, tmp_path: Path) -> Differences:
    """Let Prometheus compute what is recorded of what is scraped; return what is not as it should be."""
    (tmp_path / "rules.yml").write_text(migration_yaml("15s"), encoding="utf-8")

    def compare(scraped: str, recorded: str) -> str:
        samples = [{"labels": series, "value": value} for series, value in _series(recorded).items()]
        test = {
            "interval": "15s",
            "input_series": [
                {"series": series, "values": f"{value}x20"} for series, value in _series(scraped).items()
            ],
            "promql_expr_test": [{"expr": '{migrated_from!=""}', "eval_time": "2m", "exp_samples": samples}],
        }
        cases = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [test]}
        (tmp_path / "test.yml").write_text(json.dumps(cases), encoding="utf-8")
        done = subprocess.run(
            [promtool, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return "" if done.returncode == 0 else done.stdout + done.stderr

    return compare


@pytest.mark.real
def test_promtool_finds_nothing_wrong_with_the_rules(promtool: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(migration_yaml("15s"), encoding="utf-8")

    done = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", str(rules)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real
def test_old_dashboards_go_on_with_what_observekit_measures(differences: Differences) -> None:
    told = differences(
        DURATION + SIZES + ACTIVE,
        """
http_requests_total{handler="/a",method="GET",status="2xx",OURS} 8
http_requests_total{handler="none",method="PUT",status="4xx",OURS} 7
http_request_duration_seconds_bucket{handler="/a",method="GET",le="0.1",OURS} 2
http_request_duration_seconds_bucket{handler="/a",method="GET",le="1.0",OURS} 4
http_request_duration_seconds_bucket{handler="/a",method="GET",le="+Inf",OURS} 5
http_request_duration_seconds_count{handler="/a",method="GET",OURS} 8
http_request_duration_seconds_count{handler="none",method="PUT",OURS} 7
http_request_duration_seconds_sum{handler="/a",method="GET",OURS} 2.5
http_request_duration_highr_seconds_bucket{le="0.1",OURS} 2
http_request_duration_highr_seconds_bucket{le="1.0",OURS} 4
http_request_duration_highr_seconds_bucket{le="+Inf",OURS} 5
http_request_duration_highr_seconds_count{OURS} 15
http_request_duration_highr_seconds_sum{OURS} 2.5
http_request_size_bytes_count{handler="/a",OURS} 5
http_request_size_bytes_sum{handler="/a",OURS} 50
http_response_size_bytes_count{handler="/a",OURS} 4
http_response_size_bytes_sum{handler="/a",OURS} 40
http_requests_inprogress{OURS} 3
starlette_requests_total{APP,method="GET",path="/a",status_code="200",OURS} 5
starlette_requests_total{APP,method="GET",path="/a",status_code="204",OURS} 3
STARLETTE_bucket{APP,method="GET",path="/a",status_code="200",le="0.005",OURS} 1
STARLETTE_bucket{APP,method="GET",path="/a",status_code="200",le="0.1",OURS} 2
STARLETTE_bucket{APP,method="GET",path="/a",status_code="200",le="1.0",OURS} 4
STARLETTE_bucket{APP,method="GET",path="/a",status_code="200",le="+Inf",OURS} 5
STARLETTE_count{APP,method="GET",path="/a",status_code="200",OURS} 5
STARLETTE_count{APP,method="GET",path="/a",status_code="204",OURS} 3
STARLETTE_sum{APP,method="GET",path="/a",status_code="200",OURS} 2.5
starlette_requests_in_progress{APP,method="GET",OURS} 2
starlette_requests_in_progress{APP,method="PUT",OURS} 1
""",
    )

    assert told == ""


@pytest.mark.real
def test_our_boards_show_what_the_instrumentator_measures(differences: Differences) -> None:
    told = differences(
        INSTRUMENTATOR,
        """
DURATION_count{METHOD="GET",ROUTE="/a",CODE="2xx",THEIRS} 8
DURATION_count{METHOD="GET",ROUTE="_unmatched",CODE="4xx",THEIRS} 2
DURATION_bucket{METHOD="GET",ROUTE="/a",le="0.1",THEIRS} 7
DURATION_bucket{METHOD="GET",ROUTE="/a",le="+Inf",THEIRS} 8
DURATION_sum{METHOD="GET",ROUTE="/a",THEIRS} 0.75
http_server_request_body_size_bytes_count{ROUTE="/a",THEIRS} 8
http_server_request_body_size_bytes_sum{ROUTE="/a",THEIRS} 80
http_server_response_body_size_bytes_count{ROUTE="/a",THEIRS} 6
http_server_response_body_size_bytes_sum{ROUTE="/a",THEIRS} 60
http_server_active_requests{THEIRS} 3
""",
    )

    assert told == ""


@pytest.mark.real
def test_our_boards_show_what_the_exporter_measures(differences: Differences) -> None:
    told = differences(
        EXPORTER,
        """
DURATION_bucket{METHOD="GET",ROUTE="/a",CODE="200",le="0.1",OTHERS} 7
DURATION_count{METHOD="GET",ROUTE="/a",CODE="200",OTHERS} 8
DURATION_sum{METHOD="GET",ROUTE="/a",CODE="200",OTHERS} 0.75
DURATION_count{METHOD="GET",ROUTE="_unmatched",CODE="404",OTHERS} 1
http_server_active_requests{METHOD="GET",OTHERS} 3
""",
    )

    assert told == ""


@pytest.mark.real
def test_an_instance_that_has_all_libraries_has_nothing_recorded(differences: Differences) -> None:
    told = differences(DURATION + SIZES + ACTIVE + INSTRUMENTATOR + EXPORTER, "")

    assert told == ""


@pytest.mark.real
def test_an_instance_with_both_old_libraries_shows_its_requests_once(differences: Differences) -> None:
    told = differences(
        'http_requests_total{method="GET",status="2xx",handler="/a"} 8' + EXPORTER,
        'DURATION_count{METHOD="GET",ROUTE="/a",CODE="2xx",THEIRS} 8',
    )

    assert told == ""


def test_what_is_recorded_under_names_of_ours_is_in_the_catalogue() -> None:
    recorded = set(re.findall(r"record: (http_server_\w+?)(?:_bucket|_count|_sum)?\n", migration_yaml("15s")))

    assert recorded == {
        "http_server_active_requests",
        "http_server_request_body_size_bytes",
        "http_server_request_duration_seconds",
        "http_server_response_body_size_bytes",
    }
    assert recorded <= METRICS.keys()
