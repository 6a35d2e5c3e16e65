"""The arithmetic of error budgets, as Prometheus does it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.openslo import objectives
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.usual import usual_objectives
from tests.rules.promtool import Files
from tests.rules.stories.objectives import availability

_EXAMPLE = Path(__file__).parents[2] / "examples" / "slo.yaml"

Json = dict[str, Any]


def _recordings(given: Parameters) -> list[Json]:
    groups = yaml.safe_load(rule_files(given)["rules/observekit.yaml"])["groups"]
    return [
        rule for group in groups for rule in group["rules"] if "slo" in group["name"] and "record" in rule
    ]


_DAY = 720
_MONTH = "slo:sli_error:ratio_period"
_NIGHTS = [
    pytest.param(availability(*[(0, _DAY)] * 60), "== bool 0", id="nothing fails"),
    pytest.param(
        # By day 1,000 a minute and none fails, by night 2 a minute and half of them: 0.0998 % of all.
        {
            name: values
            for name, values in availability(*[(0, _DAY), (1, _DAY)] * 30, requests=2).items()
            if "503" in name
        }
        | {
            'http_server_request_duration_seconds_count{job="shop",instance="a",'
            'http_response_status_code="200"}': (
                " ".join(
                    ["0"]
                    + [
                        piece
                        for day in range(30)
                        for piece in (
                            f"{day * 720_720 + 1000}+1000x719",
                            f"{day * 720_720 + 720_001}+1x719",
                        )
                    ]
                )
            )
        },
        "> bool 0.000995",
        id="nights with little traffic that fails",
    ),
]


@pytest.mark.real
@pytest.mark.once
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("series", "right"), _NIGHTS)
def test_a_month_of_uneven_traffic_is_weighed_by_its_requests(
    series: dict[str, str], right: str, tmp_path: Path
) -> None:
    rules = [
        rule
        for rule in _recordings(Parameters(objectives=usual_objectives()[:1]))
        if rule["record"]
        in {"slo:sli_requests:rate5m", "slo:sli_errors:rate5m", "slo:sli_error:ratio_period"}
    ]
    files = Files(tmp_path)
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"sum({_MONTH} {right}) + sum({_MONTH} < bool 0.001001)",
                "eval_time": "43200m",
                "exp_samples": [{"labels": "{}", "value": 2}],
            }
        ],
    }

    files.add("month", rules, test, step=20)

    assert files.run() == {"month": ""}


@pytest.mark.real
def test_slices_are_judged_one_by_one_and_those_without_events_not_at_all(tmp_path: Path) -> None:
    document = next(yaml.safe_load_all(_EXAMPLE.read_text(encoding="utf-8")))
    document["spec"]["budgetingMethod"] = "Timeslices"
    document["spec"]["objectives"] = [{"target": 0.9, "timeSliceTarget": 0.5, "timeSliceWindow": "1m"}]
    del document["spec"]["service"]
    route = 'job="shop",http_route="/checkout/{sku}"'
    name = f"http_server_request_duration_seconds_count{{{route},http_response_status_code="
    test = {
        "interval": "30s",
        # Two minutes of which one request in three fails, one of two in three, and then silence.
        "input_series": [
            {"series": f'{name}"200"}}', "values": "0 2+2x3 9 10 10x60"},
            {"series": f'{name}"500"}}', "values": "0 1+1x3 6 8 8x60"},
        ],
        "promql_expr_test": [
            {"expr": expr, "eval_time": time, "exp_samples": [{"labels": "{}", "value": value}]}
            for expr, time, value in (
                ("sum(slo:slice_bad:bool)", "2m", 0),
                ("sum(slo:slice_bad:bool)", "3m", 1),
                ("sum(count_over_time(slo:slice_bad:bool[10m]))", "9m", 3),
                ("sum(slo:sli_error:ratio_rate1h * 3)", "9m", 1),
            )
        ],
    }
    files = Files(tmp_path)

    files.add("slices", _recordings(Parameters(objectives=objectives(document))), test, step=1)

    assert files.run() == {"slices": ""}


@pytest.mark.real
@pytest.mark.parametrize("stored", ["1", "1.0"])
def test_good_events_below_a_bound_are_found_however_the_bound_is_stored(stored: str, tmp_path: Path) -> None:
    document = next(yaml.safe_load_all(_EXAMPLE.read_text(encoding="utf-8")))
    ratio = document["spec"]["indicator"]["spec"]["ratioMetric"]
    good = {"type": "Prometheus", "spec": {"query": 'wait_seconds_bucket{le="1"}'}}
    total = {"type": "Prometheus", "spec": {"query": "wait_seconds_count"}}
    ratio |= {"good": {"metricSource": good}, "total": {"metricSource": total}}
    del ratio["bad"], document["spec"]["service"]
    test = {
        "interval": "1m",
        "input_series": [
            {"series": f'wait_seconds_bucket{{job="shop",le="{stored}"}}', "values": "0+75x20"},
            {"series": 'wait_seconds_count{job="shop"}', "values": "0+100x20"},
        ],
        "promql_expr_test": [
            {
                "expr": "round(sum(slo:sli_error:ratio_rate5m), 0.001)",
                "eval_time": "10m",
                "exp_samples": [{"labels": "{}", "value": 0.25}],
            }
        ],
    }
    files = Files(tmp_path)

    files.add("bound", _recordings(Parameters(objectives=objectives(document))), test, step=1)

    assert files.run() == {"bound": ""}
