"""Rule files: what promtool says of them, what options change, and where their links lead."""

import json
import re
import subprocess
from decimal import Decimal
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

from observekit.catalogue import EVENTS
from observekit.cli import main
from observekit.dashboards.rules.files import groups as made
from observekit.dashboards.rules.files import rule_files
from observekit.dashboards.rules.parameters import Parameters, is_pattern
from observekit.dashboards.rules.runbook import runbook
from observekit.dashboards.rules.usual import usual_objectives
from observekit.errors import ConfigError
from tests.real.conftest import program
from tests.rules import shipped
from tests.rules.shipped import selectors

_ROOT = Path(__file__).parents[2]
_BOARDS = _ROOT / "grafana" / "dashboards"


def _rules(text: str) -> list[shipped.Json]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


@pytest.mark.real
@pytest.mark.parametrize(
    "given", [Parameters(), Parameters(job="shop|orders", rehearsal=60, severities={"critical": "page"})]
)
def test_promtool_finds_nothing_wrong_with_the_rules(given: Parameters, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rule_files(given)["rules/observekit.yaml"], encoding="utf-8")

    done = subprocess.run(
        [program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manifest_for_kubernetes_has_the_same_rules() -> None:
    files = rule_files(Parameters())
    manifest = yaml.safe_load(files["kubernetes/observekit-rules.yaml"])

    assert (manifest["apiVersion"], manifest["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert manifest["spec"] == yaml.safe_load(files["rules/observekit.yaml"])


def test_the_runbook_is_what_the_code_writes_and_every_alert_leads_to_a_section_of_it() -> None:
    text = (_ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    sections = {f"docs/runbook.md#{title.lower()}" for title in re.findall(r"^## (\w+)$", text, re.MULTILINE)}

    assert text == runbook(Parameters())
    assert {alert["annotations"]["runbook_url"] for alert in shipped.alerts()} == sections


def test_events_and_alerts_that_a_text_names_exist() -> None:
    text = runbook(Parameters())
    names = {alert.name for group in made(Parameters()) for alert in group.alerts}

    assert set(re.findall(r"[Tt]he event (\w+\.\w+)", text)) <= set(EVENTS)
    assert set(re.findall(r"see ([A-Z]\w+)", text)) <= names


def test_panels_that_a_text_names_are_on_the_board_that_it_names() -> None:
    boards = {}
    for path in _BOARDS.glob("*.json"):
        board = json.loads(path.read_text(encoding="utf-8"))
        boards[board["uid"].removeprefix("observekit-")] = {panel["title"] for panel in board["panels"]}
    named = [
        (name, found[2].lower(), check)
        for group in made(Parameters())
        for alert in group.alerts
        for check in alert.checks
        for found in re.finditer(r"([^.;]*) on the (\w+) board", check)
        for name in re.findall(r"'(.+?)'", found[1]) or [""]
    ]

    assert len(named) > 20
    assert [one for one in named if one[0] not in boards[one[1]]] == []


def test_every_alert_has_what_a_person_who_is_woken_needs() -> None:
    for alert in shipped.alerts():
        annotations = alert["annotations"]
        assert sorted(annotations) == ["dashboard_url", "description", "runbook_url", "summary"]
        assert re.search(r"\d", annotations["summary"]), annotations["summary"]
        assert "{{" not in annotations["summary"]
        assert re.search(r"Check first: 1\. .+ 2\. .+ 3\. .+\.$", annotations["description"])
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["for"] != "0s"


def test_a_job_is_chosen_in_every_selector_of_what_was_scraped_or_recorded() -> None:
    text = rule_files(Parameters(job="shop|orders"))["rules/observekit.yaml"]

    for rule in _rules(text):
        for selector in selectors(promql.parse(rule["expr"])):
            matchers = {f'{each.name}=~"{each.value}"' for each in selector.matchers.matchers}
            assert 'job=~"shop|orders"' in matchers, rule["expr"]


def test_two_files_for_different_jobs_have_nothing_in_common() -> None:
    one, other = (rule_files(Parameters(name=name, job=name)) for name in ("shop", "orders"))
    names = [
        yaml.safe_load(files[f"kubernetes/{name}-rules.yaml"])["metadata"]["name"]
        for name, files in (("shop", one), ("orders", other))
    ]

    assert names == ["shop-rules", "orders-rules"]
    assert one.keys().isdisjoint(other.keys())


def test_severities_are_renamed_for_all_or_for_one_and_alerts_are_left_out() -> None:
    given = Parameters(
        severities={"critical": "page", "TargetDown": "ticket"}, without=frozenset({"VersionSkew"})
    )
    by_name: dict[str, set[str]] = {}
    for rule in _rules(rule_files(given)["rules/observekit.yaml"]):
        if "alert" in rule:
            by_name.setdefault(rule["alert"].removeprefix("Observekit"), set()).add(
                rule["labels"]["severity"]
            )

    assert by_name["ServiceDown"] == {"page"}
    assert by_name["TargetDown"] == {"ticket"}
    assert by_name["ErrorBudgetBurn"] == {"page", "warning"}
    assert "VersionSkew" not in by_name
    assert "VersionSkew" not in runbook(given)


@pytest.mark.parametrize(
    ("days", "limits"),
    [(30, ["0.0144", "0.006", "0.003", "0.001"]), (28, ["0.01344", "0.0056", "0.0028", "0.000933333"])],
)
def test_limits_follow_the_length_of_the_period(days: int, limits: list[str]) -> None:
    given = Parameters(objectives=usual_objectives(period_days=days)[:1])
    text = rule_files(given)["rules/observekit.yaml"]

    assert re.findall(r"ratio_rate\w+{slo=\"http-availability\"} > ([\d.]+)\)\) and", text) == limits
    assert f"[{days}d]" in text


def test_a_pace_that_no_outage_can_reach_has_no_alert() -> None:
    objectives = usual_objectives(availability=Decimal("0.9"))[:1]
    rules = _rules(rule_files(Parameters(objectives=objectives))["rules/observekit.yaml"])

    windows = [
        rule["labels"]["long_window"] for rule in rules if rule.get("alert") == "ObservekitErrorBudgetBurn"
    ]
    assert windows == ["6h", "1d", "3d"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--availability", "100"],
            (
                "Objective 'http-availability': its target is 1, but must lie between 0 and 1, like "
                "0.999; 1 leaves "
                "no budget, and the first failure would miss it."
            ),
        ),
        (
            ["--latency-seconds", "0.3"],
            (
                "--latency-seconds: 0.3 is no bucket of http_server_request_duration_seconds, so nobody has "
                "counted what is below it; the nearest are 0.25 and 0.5."
            ),
        ),
        (
            ["--latency-seconds", "60"],
            (
                "--latency-seconds: 60 is no bucket of http_server_request_duration_seconds, so nobody has "
                "counted what is below it; the nearest is 10."
            ),
        ),
        (
            ["--job", "(", "--name", "Mine", "--forget-days", "0"],
            (
                "name is 'Mine', but must be at most 40 small letters, digits and - between them. "
                "job is '(', but must be a regular expression, like shop|orders, without "
                "lookarounds, possessive "
                "repeats and references, which Prometheus does not know. "
                "forget_days is 0.0, but must be a number of days above 0."
            ),
        ),
        (["--rehearsal", "0"], "rehearsal is 0, but must be 1 to 600."),
        (
            ["--grafana-url", "http://x/?y"],
            "grafana_url is 'http://x/?y', but must be an address without spaces, quotes, braces, # and ?.",
        ),
        (
            ["--severity", "critical=a b"],
            "severity is 'a b', but must be a word like critical, warning, info.",
        ),
        (
            ["--period", "7"],
            "Objective 'http-availability': its time window is 7d, but must be 28d or 30d.",
        ),
    ],
)
def test_the_command_says_what_is_wrong_and_writes_nothing(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["rules", "--out", str(tmp_path), *arguments])

    assert (code, capsys.readouterr().err, list(tmp_path.iterdir())) == (2, f"observekit: {told}\n", [])


@pytest.mark.parametrize("share", ["nan", "-sNaN", "inf", "much"])
def test_a_share_that_is_no_number_is_wrong_usage(
    share: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rules", "--out", str(tmp_path), f"--latency={share}"])

    assert (ended.value.code, list(tmp_path.iterdir())) == (2, [])
    assert f"argument --latency: '{share}' must be a number like 99.9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        ("shop|orders-.*", True),
        (r"a\.b[(?=]c\+\+", True),
        ("(?i)(?P<x>shop)+?", True),
        ("(?!canary-).*", False),
        ("(?<=a)b", False),
        (r"(a)\1", False),
        ("a++", False),
        ("(?>a)", False),
    ],
)
def test_a_job_is_a_pattern_that_prometheus_knows_too(pattern: str, *, known: bool) -> None:
    assert is_pattern(pattern) is known


def test_an_alert_that_does_not_exist_cannot_be_left_out() -> None:
    with pytest.raises(ConfigError, match=r"^without names 'Down', but there are ClockSkew, "):
        rule_files(Parameters(without=frozenset({"Down"})))


def test_the_command_writes_rules_manifest_and_runbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["rules", "--out", str(tmp_path / "new"), "--runbook", str(tmp_path / "wiki" / "page.md")])

    assert (code, capsys.readouterr().out.splitlines()) == (
        0,
        [
            str(tmp_path / "new" / "rules" / "observekit.yaml"),
            str(tmp_path / "new" / "kubernetes" / "observekit-rules.yaml"),
            str(tmp_path / "wiki" / "page.md"),
        ],
    )
