"""Every name in a committed board exists; read from the JSON alone, with a parser that is not ours."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest

from observekit.catalogue import METRICS, MetricSpec
from observekit.catalogue.libraries import LIBRARIES
from tests.rules.shipped import rules, selectors

_FILES = sorted((Path(__file__).parents[2] / "grafana" / "dashboards").glob("*.json"))
_BOARDS = [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in _FILES]
_each_board = pytest.mark.parametrize("board", _BOARDS)

Json = dict[str, Any]
_ADDED_BY_PROMETHEUS = {"cluster", "namespace", "job", "instance"}
_OF_WORKERS = {"worker"}
_OF_ALERTS = {"alertname", "alertstate", "severity", "slo", "long_window", "check"}
_GRAFANAS_OWN = {"__rate_interval": "1m", "__range": "1h"}
# Whether a function is for cumulative series, for others, or (None) for both.
_RATED = {"rate": True, "increase": True, "present_over_time": None}
_MADE = re.compile(r'"(\w+)", "[^"]*", "\w+", "[^"]*"\)')
_LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")


def _vocabulary() -> dict[str, tuple[MetricSpec | None, set[str]]]:
    """Map each name under which Prometheus stores samples to its family and labels."""
    known: dict[str, tuple[MetricSpec | None, set[str]]] = dict.fromkeys(
        ("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added"),
        (None, _ADDED_BY_PROMETHEUS),
    )
    known["ALERTS"] = (None, {*_ADDED_BY_PROMETHEUS, *_OF_ALERTS})
    for rule in rules():
        if "record" in rule:
            grouped = re.search(r"by \((.*?)\)", rule["expr"])
            kept = grouped[1].split(", ") if grouped else ["cluster", "namespace", "job"]
            known[rule["record"]] = (None, {*kept, *rule.get("labels", ())} - {"le"})
    for spec in (*METRICS.values(), *LIBRARIES):
        labels = {*spec.labels, *_ADDED_BY_PROMETHEUS, *(_OF_WORKERS if spec.across == "worker" else ())}
        if spec.kind != "histogram":
            known[spec.name] = (spec, labels)
            continue
        known[f"{spec.name}_bucket"] = (spec, {*labels, "le"})
        known[f"{spec.name}_count"] = known[f"{spec.name}_sum"] = (spec, labels)
    return known


_KNOWN = _vocabulary()


def _cumulative(name: str) -> bool:
    spec = _KNOWN[name][0]
    return spec is not None and spec.kind in {"counter", "histogram"}


def _queries(board: Json) -> Iterator[tuple[str, str]]:
    """Yield each PromQL expression of the board, and the text that names labels of its result."""
    for panel in board["panels"]:
        renamed = [
            "{{" + name + "}}"
            for step in panel.get("transformations", ())
            for name in step["options"].get("renameByName", ())
            if not name.startswith("Value #")
        ]
        for target in panel.get("targets", ()):
            yield target["expr"], " ".join([target["legendFormat"], *renamed])
    for annotation in board["annotations"]["list"][1:]:
        tags = " ".join("{{" + name + "}}" for name in annotation["tagKeys"].split(","))
        yield annotation["expr"], annotation["titleFormat"] + annotation["textFormat"] + tags
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        offered = _LABEL_VALUES.fullmatch(variable["query"]["query"])
        assert offered, variable["name"]
        yield f"present_over_time({offered[1]}[1h])", "{{" + offered[2] + "}}"


def _complaints(expression: str, naming: str, variables: set[str]) -> list[str]:
    """Tell everything that is wrong with one expression and the text beside it."""
    found: list[str] = []

    def chosen(name: re.Match[str]) -> str:
        if name[1] not in variables and name[1] not in _GRAFANAS_OWN:
            found.append(f"variable {name[1]}")
        return _GRAFANAS_OWN.get(name[1], name[0])

    try:
        tree = promql.parse(re.sub(r"\$(\w+)", chosen, expression))
    except ValueError as error:
        return [*found, str(error)]
    labels = _result(tree, found, rated=False)
    named = set(re.findall(r"{{(.*?)}}", naming))
    found.extend(f"legend label {name}" for name in sorted(named - labels))
    found.extend(f"unused label {name}" for name in sorted(set(_MADE.findall(expression)) - named))
    return found


def _result(node: promql.Expr, found: list[str], *, rated: bool | None) -> set[str]:
    """Return the labels that *node* can have; put into *found* what does not fit the catalogue."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    match node:
        case promql.VectorSelector():
            return _selected(node, found, rated=rated)
        case promql.MatrixSelector():
            return _selected(node.vector_selector, found, rated=rated)
        case promql.AggregateExpr():
            return _aggregated(node, found)
        case promql.BinaryExpr():
            return _combined(node, found)
        case promql.Call():
            return _called(node, found)
    return set()


def _selected(selector: promql.VectorSelector, found: list[str], *, rated: bool | None) -> set[str]:
    name = selector.name or ""
    if name not in _KNOWN:
        found.append(f"metric {name}")
        return set()
    spec, labels = _KNOWN[name]
    if rated is not None and _cumulative(name) != rated:
        found.append(f"{name} is {'not ' if rated else ''}to be rated")
    for matcher in selector.matchers.matchers:
        if matcher.name not in labels:
            found.append(f"label {matcher.name} of {name}")
        elif spec:
            found.extend(_value_complaints(matcher, spec))
    return labels


def _value_complaints(matcher: promql.Matcher, spec: MetricSpec) -> Iterator[str]:
    if matcher.name == "le":
        bounds = [bound for bound in matcher.value.split("|") if float(bound) not in spec.buckets]
        yield from (f"bound {bound} of {spec.name}" for bound in bounds)
    elif matcher.name in spec.values and matcher.value not in spec.values[matcher.name]:
        yield f"value {matcher.value} of {matcher.name}"


def _aggregated(node: promql.AggregateExpr, found: list[str]) -> set[str]:
    inner = _result(node.expr, found, rated=False)
    if "topk" in str(node.op):
        return inner
    wanted = set(node.modifier.labels) if node.modifier else set()
    found.extend(f"grouping by {name}" for name in wanted - inner)
    return wanted


def _combined(node: promql.BinaryExpr, found: list[str]) -> set[str]:
    left, right = _result(node.lhs, found, rated=False), _result(node.rhs, found, rated=False)
    modifier = node.modifier
    if modifier is None or isinstance(node.rhs, promql.NumberLiteral):
        return left or right
    on = set(modifier.matching.labels) if modifier.matching else set()
    added = set(modifier.group_labels or ())
    found.extend(f"matching on {name}" for name in on - (left & right))
    found.extend(f"joining {name}" for name in added - right)
    return (left or right) | added


def _called(node: promql.Call, found: list[str]) -> set[str]:
    rated = _RATED.get(node.func.name, False)
    labels = set().union(*(_result(argument, found, rated=rated) for argument in node.args))
    if node.func.name == "histogram_quantile":
        found.extend([] if "le" in labels else ["a quantile without le"])
        return labels - {"le"}
    if node.func.name == "label_replace":
        _, made, _, source, _ = (getattr(argument, "val", "") for argument in node.args)
        found.extend([] if source in labels else [f"source {source}"])
        return {*labels, made}
    return labels


def _all_complaints(board: Json) -> list[tuple[str, list[str]]]:
    variables = {variable["name"] for variable in board["templating"]["list"]}
    told = (
        (expression, _complaints(expression, naming, variables)) for expression, naming in _queries(board)
    )
    return [(expression, complaints) for expression, complaints in told if complaints]


def _mutants(board: Json) -> Iterator[tuple[str, str]]:
    """Yield each expression, and each text beside one, with one known name spelled wrongly."""
    names = {"le", "status", *_KNOWN}.union(*(labels for _, labels in _KNOWN.values()))
    names |= {variable["name"] for variable in board["templating"]["list"]}
    for expression, naming in _queries(board):
        for word in re.finditer(r"[\w:]+", expression):
            if word[0] in names:
                yield f"{expression[: word.start()]}{word[0]}x{expression[word.end() :]}", naming
        for word in re.finditer(r"(?<={{)\w+", naming):
            yield expression, f"{naming[: word.start()]}{word[0]}x{naming[word.end() :]}"


@_each_board
def test_every_name_in_every_query_and_legend_is_in_the_catalogue(board: Json) -> None:
    assert _all_complaints(board) == []


@_each_board
def test_every_query_of_a_panel_is_about_what_was_chosen_at_the_top(board: Json) -> None:
    variables = {variable["name"] for variable in board["templating"]["list"]}
    chosen = {(name, f"${name}") for name in variables & {"job", "instance", "slo"}}
    panels = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]

    unscoped = [
        str(selector.name)
        for expression in panels
        for selector in selectors(promql.parse(re.sub(r"\$__(\w+)", "1m", expression)))
        if not chosen <= {(matcher.name, matcher.value) for matcher in selector.matchers.matchers}
    ]

    assert unscoped == []


@_each_board
def test_no_name_can_be_misspelled_without_a_complaint(board: Json) -> None:
    variables = {variable["name"] for variable in board["templating"]["list"]}
    mutants = list(_mutants(board))

    survivors = [mutant for mutant in mutants if not _complaints(*mutant, variables)]

    assert (survivors, len(mutants) > 50) == ([], True)


@pytest.mark.parametrize(
    ("expression", "legend", "complaints"),
    [
        ("process_resident_memory", "", ["metric process_resident_memory"]),
        ("rate(http_server_active_requests[5m])", "", ["http_server_active_requests is not to be rated"]),
        ("sum(process_cpu_seconds_total)", "", ["process_cpu_seconds_total is to be rated"]),
        ('up{route="/"}', "", ["label route of up"]),
        ("sum by (le) (up)", "", ["grouping by le"]),
        ("sum by (job) (up)", "{{instance}}", ["legend label instance"]),
        ('up{job=~"$jobs"}', "", ["variable jobs"]),
        ("up * on (job) group_left (version) target_info", "", ["joining version"]),
        ("up / on (service_name) target_info", "", ["matching on service_name"]),
        (
            'observekit_health_check_status{probe="ready"}',
            "",
            ["value ready of probe"],
        ),
        (
            'rate(http_server_request_duration_seconds_bucket{le=~"2|2.5"}[5m])',
            "",
            ["bound 2 of http_server_request_duration_seconds"],
        ),
        (
            "histogram_quantile(0.5, sum(rate(http_server_request_duration_seconds_bucket[5m])))",
            "",
            ["a quantile without le"],
        ),
    ],
)
def test_the_check_itself_sees_this(expression: str, legend: str, complaints: list[str]) -> None:
    assert _complaints(expression, legend, {"job"}) == complaints


_ON_NO_PANEL: Mapping[str, str] = {
    "http_server_request_body_size_bytes": "is there for those only who ask for it",
    "http_server_response_body_size_bytes": "is there for those only who ask for it",
    "observekit_log_export_queue_bytes": "is there for those only who ask for it",
    "observekit_log_exports_dropped_total": "as above; the records are on standard output all the same",
    "observekit_log_exports_total": "as above",
    "process_virtual_memory_bytes": "says little of what a process uses; resident memory does",
}


def test_every_metric_of_the_catalogue_is_on_a_board_or_has_a_reason() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in _FILES)

    absent = {name for name in METRICS if not re.search(rf"\b{name}", text)}

    assert absent == set(_ON_NO_PANEL)
