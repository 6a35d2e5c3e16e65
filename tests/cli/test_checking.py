"""Boards and rules of one's own: what is not there is named, with where it stands."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from observekit.cli import main
from observekit.dashboards.check.expressions import complaints
from observekit.dashboards.check.grafana import as_promql
from observekit.dashboards.check.rulefiles import with_recorded
from observekit.dashboards.check.vocabulary import Known, merged, of_catalogue, of_page
from observekit.dashboards.rules.files import groups
from observekit.dashboards.rules.parameters import Parameters
from tests.rules import shipped

Check = Callable[..., tuple[int, list[str]]]
_GRAFANA = Path(__file__).parents[2] / "grafana"
_PAGE = """\
# TYPE jobs_total counter
jobs_total{queue="mail",outcome="ok"} 3
jobs_total{queue="mail",outcome="failed"} 0 # {trace_id="x"} 1
# TYPE queue_depth gauge
queue_depth{queue="mail"} 2
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.5"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_count 2
wait_seconds_sum 3.5
odd 1
"""


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Run a command; return its exit code and the lines that it has printed."""

    def run(*arguments: str) -> tuple[int, list[str]]:
        return main(arguments), capsys.readouterr().out.splitlines()

    return run


def _board(tmp_path: Path, *queries: str) -> str:
    file = tmp_path / "board.json"
    panels = [{"title": "Jobs", "targets": [{"expr": query} for query in queries]}]
    folded = {"type": "row", "title": "More", "panels": panels}
    file.write_text(json.dumps({"panels": [folded], "templating": {"list": []}}), encoding="utf-8")
    return str(file)


def test_nothing_is_wrong_with_what_is_shipped(check: Check) -> None:
    boards = [str(path) for path in (_GRAFANA / "dashboards").glob("*.json")]
    rules = [
        str(_GRAFANA / "rules" / "observekit.yaml"),
        str(_GRAFANA / "kubernetes" / "observekit-rules.yaml"),
    ]

    assert check("dashboards", "check", *boards) == (0, ["Nothing wrong."])
    assert check("rules", "check", *rules) == (0, ["Nothing wrong."])


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sum(rate(jobs_total[5m]))", []),
        ('sum by (queue) (rate(jobs_total{outcome=~"$outcome"}[$__rate_interval]))', []),
        ("sum(rate(job_total[5m]))", ["there is no metric job_total; did you mean jobs_total?"]),
        ('rate(jobs_total{que="mail"}[5m])', ["jobs_total has no label que; did you mean queue?"]),
        (
            'rate(jobs_total{outcome="failure"}[5m])',
            ["jobs_total: no value of outcome is 'failure'; did you mean failed?"],
        ),
        ('rate(jobs_total{outcome=~"fail.*"}[5m])', []),
        ("jobs_total", ["jobs_total only ever rises until a restart; it wants rate() or increase()"]),
        ("rate(queue_depth[5m])", ["rate() of queue_depth, which is no counter"]),
        ("sum by (route) (queue_depth)", ["grouping by route, which nothing below it has"]),
        ("rate(odd[5m]) + odd", []),
        (
            'wait_seconds_bucket{le="0.25"} > 0',
            [
                "wait_seconds_bucket only ever rises until a restart; it wants rate() or increase()",
                "wait_seconds_bucket: no value of le is '0.25'; did you mean 0.5?",
            ],
        ),
        (
            'rate(http_server_request_duration_seconds_bucket{le="1"}[5m])',
            [
                (
                    "http_server_request_duration_seconds_bucket: le '1' misses the spelling 1.0, by which a "
                    'bucket is stored depending on client and server; write le=~"1|1.0"'
                )
            ],
        ),
        ('rate(http_server_request_duration_seconds_bucket{le=~"1|1.0|0.5|\\\\+Inf"}[5m])', []),
        ("absent(jobs_total)", []),
        ("rate(jobs_total{outcome='$outcome', queue=`${queue}`}[5m])", []),
        ('rate(jobs_total{outcome="[[outcome]]"}[5m])', []),
        ("label_replace(queue_depth, 'a', '$1', 'queue', '(.*)')", []),
        ("up{job=~\"shop\"} * on (instance) group_left () queue_depth{namespace='x'}", []),
    ],
)
def test_each_expression_is_told_what_is_wrong_with_it(query: str, told: list[str]) -> None:
    known = merged([of_catalogue(), of_page(_PAGE)])

    assert complaints(as_promql(query), known) == told


def test_what_does_not_parse_is_no_promql() -> None:
    (told,) = complaints("rate(jobs_total)", of_page(_PAGE))

    assert told.startswith("is no PromQL: ")


def test_a_board_is_told_panel_by_panel_and_exits_with_1(check: Check, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text(_PAGE, encoding="utf-8")
    board = _board(tmp_path, "rate(jobs_total[${window}])", "rate(jobs[5m])", "nothing")

    code, lines = check("dashboards", "check", board, "--metrics", str(page))

    assert (code, lines) == (
        1,
        [
            f"{board}: panel 'Jobs': there is no metric jobs",
            f"{board}: panel 'Jobs': there is no metric nothing",
            "2 wrong.",
        ],
    )


def test_what_a_rule_file_records_may_be_named_in_it_and_by_boards(check: Check, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    record = {"record": "job:up:sum", "expr": "sum by (job) (up)", "labels": {"team": "a"}}
    alert = {"alert": "Few", "expr": 'job:up:sum{team="a"} < 2 and job:up:sum{route="/"} > job:down:sum'}
    rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [record, alert]}]}), encoding="utf-8")

    assert check("rules", "check", str(rules)) == (
        1,
        [
            f"{rules}: alert 'Few': job:up:sum has no label route",
            f"{rules}: alert 'Few': there is no metric job:down:sum; did you mean job:up:sum?",
            "2 wrong.",
        ],
    )
    assert check("dashboards", "check", _board(tmp_path, "job:up:sum"), "--rules", str(rules))[0] == 0


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[1]", "it is no dashboard of Grafana in the classic form, which has panels."),
        ("{", "is no JSON: "),
        ('{"panels": null}', "it is no dashboard of Grafana in the classic form, which has panels."),
        ('{"panels": [1]}', "its panels must be a list of objects."),
        ('{"panels": [{"panels": {}}]}', "its panels must be a list of objects."),
        ('{"panels": [{"targets": "up"}]}', "its targets must be a list of objects."),
        ('{"panels": [], "templating": []}', "its templating must be an object."),
        ('{"panels": [], "annotations": {"list": [7]}}', "its annotations.list must be a list of objects."),
    ],
)
def test_what_is_no_board_is_wrong_input(
    written: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text(written, encoding="utf-8")

    code = main(["dashboards", "check", str(file)])

    assert (code, told in capsys.readouterr().err) == (2, True)


def test_what_grafana_leaves_empty_is_no_mistake(check: Check, tmp_path: Path) -> None:
    empty = {"panels": [{"targets": None, "panels": None}], "templating": None, "annotations": {"list": None}}
    file = tmp_path / "x.json"
    file.write_text(json.dumps(empty), encoding="utf-8")

    assert check("dashboards", "check", str(file)) == (0, ["Nothing wrong."])


@pytest.mark.parametrize(
    "groups",
    [
        [None],
        ["x"],
        [{"rules": "x"}],
        [{"rules": ["x"]}],
        [{"rules": [["expr"]]}],
        [{"rules": [{"expr": "up"}]}],
        [{"rules": [{"record": "a:b"}]}],
        [{"rules": [{"record": ["a:b"], "expr": "up"}]}],
        [{"rules": [{"alert": "Few", "expr": "up", "labels": ["team"]}]}],
    ],
)
def test_what_is_no_rule_file_is_wrong_input(
    groups: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps({"groups": groups}), encoding="utf-8")

    code = main(["rules", "check", str(file)])

    told = (
        "its groups must be mappings whose rules are a list of mappings, each with an expr, the text of its "
        "name in record or alert, and labels, if any, as a mapping."
    )
    assert (code, capsys.readouterr().err) == (2, f"observekit: {file}: {told}\n")


def test_a_page_that_does_not_answer_is_a_failed_remote(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["dashboards", "check", "x.json", "--metrics", "http://127.0.0.1:1/metrics"])

    assert (code, capsys.readouterr().err) == (
        4,
        "observekit: http://127.0.0.1:1/metrics cannot be read: [Errno 111] Connection refused.\n",
    )


def _asked() -> list[tuple[str, str]]:
    """Return every query of the shipped boards and rules, and where it stands."""
    boards = [(path.stem, json.loads(path.read_text())) for path in (_GRAFANA / "dashboards").glob("*.json")]
    panels = [
        (f"{uid}: {panel['title']}", as_promql(target["expr"]))
        for uid, board in boards
        for panel in board["panels"]
        for target in panel.get("targets", ())
    ]
    return [*panels, *((rule.get("alert") or rule["record"], rule["expr"]) for rule in shipped.rules())]


def _mutants(name: str, known: Known, query: str) -> Iterator[tuple[str, dict[str, Known]]]:
    """Yield what may become of a metric of the catalogue, as far as *query* depends on it."""
    others = {other: entry for other, entry in of_catalogue().items() if other != name}
    yield "renamed, as with another unit", others
    if f"present_over_time({name}" not in query:  # Which asks for no more than presence.
        yield "of another kind", {**others, name: Known(known.labels, known.values, not known.cumulative)}
    for label in known.labels or ():
        if f'{label}="' in query or f"{label}=~" in query:
            left = (known.labels or set()) - {label}
            yield f"without {label}", {**others, name: Known(left, known.values, known.cumulative)}
    for label, values in known.values.items():
        for value in values:
            if f'{label}="{value}"' in query:
                fewer = {**known.values, label: values - {value}}
                yield (
                    f"{label} is never {value}",
                    {
                        **others,
                        name: Known(known.labels, fewer, known.cumulative),
                    },
                )


@pytest.mark.once
def test_no_change_of_the_catalogue_goes_unnoticed_by_what_reads_it() -> None:
    ours = [recording.json() for group in groups(Parameters()) for recording in group.recordings]
    recorded = with_recorded(ours, of_catalogue())
    survivors, count = [], 0
    for name, known in of_catalogue().items():
        # Of one query for each thing that is asked of a metric; all of them take long and say the same.
        readers = {query: where for where, query in _asked() if re.search(rf"(?<!\w){name}[{{\[]", query)}
        for query, where in list(readers.items())[:3]:
            for what, vocabulary in _mutants(name, known, query):
                count += 1
                changed = {other: entry for other, entry in recorded.items() if other != name} | vocabulary
                if not complaints(query, changed):
                    survivors.append(f"{where}: {name} {what}")

    assert (survivors, count > 100) == ([], True)
