"""Objectives as data: what is read, what is refused, and whether the arithmetic is right."""

import json
import re
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from observekit.cli import main
from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.objective import Objective
from observekit.dashboards.rules.openslo import objectives
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.rules.usual import usual_objectives
from tests.rules import shipped
from tests.rules.documents import EXAMPLE, FIRST, SECOND, changed

Json = dict[str, Any]
_QUERY = "spec/indicator/spec/ratioMetric/total/metricSource/spec/query"


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

    assert str(objective.indicator.errors("5m")) == (
        'clamp_min(sum by (cluster, namespace, job) (rate(jobs_total{job="storefront"}[5m])) - '
        '(sum by (cluster, namespace, job) (rate(jobs_total{job="storefront",result="ok"}[5m])) '
        'or 0 * sum by (cluster, namespace, job) (rate(jobs_total{job="storefront"}[5m]))), 0)'
    )


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("1", 'le=~"1|1.0"'),
        ("1.0", 'le=~"1|1.0"'),
        ("0.50", 'le="0.5"'),
        ("+Inf", 'le="+Inf"'),
        ("5e6", 'le=~"5e\\\\+06|5000000|5000000.0"'),
    ],
)
def test_a_bound_is_asked_for_in_every_spelling_that_is_stored(written: str, asked: str) -> None:
    document = changed(FIRST, _QUERY, f'wait_seconds_bucket{{le="{written}"}}')

    (objective,) = objectives(document)

    assert str(objective.indicator.total) == f'wait_seconds_bucket{{job="storefront",{asked}}}'


def test_nine_nines_are_not_one() -> None:
    objective = Objective(
        name="strict",
        description="x.",
        target=Decimal("0.999999999"),
        indicator=usual_objectives()[0].indicator,
    )
    rules = _recordings(Parameters(objectives=(objective,)))

    assert objective.told == "99.9999999 %"
    assert [rule["expr"].split(" + ")[0] for rule in rules if rule["record"] == "slo:objective:ratio"] == [
        "0.999999999"
    ]


def test_objectives_of_one_name_for_two_services_do_not_read_each_other() -> None:
    (objective,) = objectives(FIRST)

    read = {
        selector
        for rule in _recordings(Parameters(objectives=(objective,)))
        for selector in re.findall(r"slo:\w+:\w+({[^}]*})", rule["expr"])
    }

    assert read == {'{slo="checkout-availability",team="storefront",job="storefront"}'}


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


def test_every_recorded_name_is_used_or_shown() -> None:
    boards = "".join(path.read_text() for path in (shipped.FILE.parents[1] / "dashboards").glob("*.json"))
    read = {rule.get("record", ""): "" for rule in shipped.rules()}
    for name in read:
        others = (rule["expr"] for rule in shipped.rules() if rule.get("record") != name)
        read[name] = boards + " ".join(others)

    assert {name for name, text in read.items() if not re.search(rf"{name}\b", text)} == set()
