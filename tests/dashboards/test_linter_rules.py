"""The rules of Grafana's dashboard linter, by its names; what is left out of one has a reason."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import promql_parser as promql

from observekit.catalogue import METRICS
from tests.rules.shipped import selectors

Json = dict[str, Any]

_FILES = sorted((Path(__file__).parents[2] / "grafana" / "dashboards").glob("*.json"))
_BOARDS: list[Json] = [json.loads(path.read_text(encoding="utf-8")) for path in _FILES]
_SOURCE: Final = "${prometheus_datasource}"
_SERVICES: Final = "is about services and objectives, whose recorded series have no instance"
_LEFT_OUT: Mapping[tuple[str, str], str] = {
    ("template-instance-rule", "observekit-fleet"): _SERVICES,
    ("template-instance-rule", "observekit-slo"): _SERVICES,
    ("target-instance-rule", "observekit-fleet"): _SERVICES,
    ("target-instance-rule", "observekit-slo"): _SERVICES,
}
# The whole range that is shown: totals, and rankings that must not change from step to step.
_WINDOWS: Final = {"$__rate_interval", "$__range"}
_WITH_UNITS: Final = {"stat", "timeseries", "table", "heatmap", "state-timeline"}


def _of_sources(board: Json) -> Iterator[tuple[str, str]]:
    for source in (each for each in board["templating"]["list"] if each["type"] == "datasource"):
        if source["name"] != f"{source['query']}_datasource":
            yield "template-datasource-rule", source["name"]
        if source["label"] != f"{source['query'].title()} data source":
            yield "template-datasource-rule", source["label"]


def _of_choices(board: Json) -> Iterator[tuple[str, str]]:
    variables = {each["name"]: each for each in board["templating"]["list"]}
    for name in ("job", "instance"):
        found = variables.get(name, {"datasource": {}})
        wanted = {"label": name.title(), "type": "query", "multi": True, "allValue": ".+", "includeAll": True}
        if {key: found.get(key) for key in wanted} != wanted or found["datasource"].get("uid") != _SOURCE:
            yield f"template-{name}-rule", name
    for variable in (each for each in variables.values() if each["type"] == "query"):
        if variable["refresh"] != 2:
            yield "template-on-time-change-reload-rule", variable["name"]
        asked = re.fullmatch(r"label_values\((.*), \w+\)", variable["query"]["query"])
        if asked is None:
            yield "template-label-promql-rule", variable["name"]
        else:
            promql.parse(asked[1])  # Raises where that is no expression.


def _of_panel(panel: Json) -> Iterator[tuple[str, str]]:
    if panel["datasource"]["uid"] != _SOURCE:
        yield "panel-datasource-rule", panel["title"]
    if not panel["title"] or not panel["description"]:
        yield "panel-title-description-rule", panel["title"]
    if panel["type"] in _WITH_UNITS and not panel["fieldConfig"]["defaults"]["unit"]:
        yield "panel-units-rule", panel["title"]
    if not panel["targets"]:
        yield "panel-no-targets-rule", panel["title"]
    for target in panel["targets"]:
        for rule in _of_query(target["expr"]):
            yield rule, f"{panel['title']}: {target['expr']}"


def _of_query(query: str) -> Iterator[str]:
    windows = re.findall(r"(?:rate|increase|irate)\([^\[]*\[([^\]]+)\]", query)
    if set(windows) - _WINDOWS:
        yield "target-rate-interval-rule"
    tree = promql.parse(re.sub(r"\$__(rate_interval|range)", "5m", query))
    found = list(selectors(tree))
    for name in ("job", "instance"):
        chosen = (name, f"${name}")
        if any(chosen not in {(m.name, m.value) for m in each.matchers.matchers} for each in found):
            yield f"target-{name}-rule"
    counters = [str(each.name) for each in found if _is_counter(str(each.name))]
    if any(not re.search(rf"(rate|increase)\({name}\b", query) for name in counters):
        yield "target-counter-agg-rule"


def _is_counter(name: str) -> bool:
    spec = METRICS.get(name)
    return spec is not None and spec.kind == "counter"


def _complaints(board: Json) -> Iterator[tuple[str, str]]:
    yield from _of_sources(board)
    yield from _of_choices(board)
    if board["editable"]:
        yield "uneditable-dashboard", board["title"]
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield from _of_panel(panel)


def test_no_board_breaks_a_rule_of_the_linter_without_a_reason() -> None:
    told = [
        (rule, board["uid"], what)
        for board in _BOARDS
        for rule, what in _complaints(board)
        if (rule, board["uid"]) not in _LEFT_OUT
    ]

    assert told == []


def test_every_rule_that_is_left_out_of_a_board_would_complain_there() -> None:
    told = {(rule, board["uid"]) for board in _BOARDS for rule, _ in _complaints(board)}

    assert set(_LEFT_OUT) <= told
