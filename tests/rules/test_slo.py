"""Objectives as data: what is read, what is refused, and whether the arithmetic is right."""

import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from observekit.cli import main
from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.openslo import objectives
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.usual import usual_objectives
from tests.rules import shipped
from tests.rules.documents import EXAMPLE, FIRST, SECOND, changed
from tests.rules.promtool import Files
from tests.rules.stories.objectives import availability

Json = dict[str, Any]


def test_the_example_is_read_as_it_is_written() -> None:
    (ratio,), (slices,) = objectives(FIRST), objectives(SECOND)

    assert (ratio.name, ratio.target, ratio.period_days, ratio.minimum_bad, dict(ratio.labels)) == (
        "checkout-availability",
        Decimal("0.995"),
        30,
        10,
        {"team": "storefront"},
    )
    assert str(ratio.indicator.bad) == (
        'http_server_request_duration_seconds_count{job="storefront",http_route="/checkout/{sku}",'
        'http_response_status_code=~"5.."}'
    )
    assert slices.slices is not None
    assert (slices.slices.seconds, slices.slices.target, slices.minimum_bad) == (60, Decimal("0.95"), 2)
    assert str(slices.indicator.good) == (
        'http_server_request_duration_seconds_bucket{job="storefront",http_route="/products/{sku}",le="0.25"}'
    )


def test_counters_of_the_service_itself_can_be_an_objective() -> None:
    document = deepcopy(FIRST)
    metric = document["spec"]["indicator"]["spec"]["ratioMetric"]
    del metric["bad"]
    metric["good"] = {"metricSource": {"type": "Prometheus", "spec": {"query": 'jobs_total{result="ok"}'}}}
    metric["total"]["metricSource"]["spec"]["query"] = "jobs_total"

    (objective,) = objectives(document)

    assert str(objective.indicator.errors("5m", ())) == (
        'clamp_min(sum by (cluster, namespace, job) (rate(jobs_total{job="storefront"}[5m])) - '
        '(sum by (cluster, namespace, job) (rate(jobs_total{job="storefront",result="ok"}[5m])) '
        'or 0 * sum by (cluster, namespace, job) (rate(jobs_total{job="storefront"}[5m]))), 0)'
    )


def test_the_command_names_the_file_and_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slo.json"
    file.write_text(json.dumps([FIRST, changed(FIRST, "kind", "Service")]), encoding="utf-8")

    code = main(["rules", "--out", str(tmp_path / "out"), "--slo", str(file)])

    assert (code, capsys.readouterr().err) == (
        2,
        f"observekit: {file}, document 2: apiVersion must be openslo/v1 and kind SLO.\n",
    )


def test_one_name_for_two_objectives_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--slo", str(EXAMPLE), "--slo", str(EXAMPLE)]

    code = main(["rules", "--out", str(tmp_path), *arguments])

    assert (code, capsys.readouterr().err) == (
        2,
        (
            "observekit: There are two objectives 'checkout-availability'; give each a name of its own. "
            "There are two objectives 'products-latency'; give each a name of its own.\n"
        ),
    )


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
    document = changed(FIRST, "spec/budgetingMethod", "Timeslices")
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


def test_every_recorded_name_is_used_or_shown() -> None:
    text = json.dumps(shipped.groups())
    boards = "".join(path.read_text() for path in (shipped.FILE.parents[1] / "dashboards").glob("*.json"))

    recorded = {rule["record"] for rule in shipped.rules() if "record" in rule}
    unused = {
        name
        for name in recorded
        if text.count(f"{name}{{") + text.count(f"{name} ") == 0 and name not in boards
    }

    assert unused == set()
