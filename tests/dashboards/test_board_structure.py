"""The committed boards as Grafana will see them: importable without an edit, and laid out cleanly."""

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

_FILES = sorted((Path(__file__).parents[2] / "grafana" / "dashboards").glob("*.json"))
Json = dict[str, Any]

_ALL: list[Json] = [json.loads(path.read_text(encoding="utf-8")) for path in _FILES]
_BOARDS = [pytest.param(board, id=board["uid"]) for board in _ALL]
_each_board = pytest.mark.parametrize("board", _BOARDS)

# Source: the unit ids of Grafana's value formats, as far as they are in use here.
_UNITS = {"bytes", "cps", "d", "none", "percentunit", "reqps", "s", "short"}

_PROCESSES = (("job", ".+"), ("instance", ".+"))
_VARIABLES = {
    "observekit-fleet": (("job", ".+"),),
    "observekit-health": _PROCESSES,
    "observekit-runtime": (*_PROCESSES, ("worker", ".*")),
    "observekit-service": (*_PROCESSES, ("route", ".*"), ("service", None)),
    "observekit-slo": (("job", ".+"), ("slo", ".+")),
    "observekit-telemetry": _PROCESSES,
}


def _panels(board: Json) -> list[Json]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def _cells(panel: Json) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    columns = range(place["x"], place["x"] + place["w"])
    return {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}


def test_there_are_boards_to_look_at() -> None:
    assert [path.stem.removeprefix("observekit-") for path in _FILES] == [
        "fleet",
        "health",
        "runtime",
        "service",
        "slo",
        "telemetry",
    ]


@_each_board
def test_file_provisioning_takes_the_board_as_it_is(board: Json) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,39}", board["uid"])
    assert {"id", "__inputs", "__requires", "version"} & board.keys() == set()
    assert {
        key: board[key] for key in ("schemaVersion", "editable", "graphTooltip", "refresh", "time", "tags")
    } == {
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "tags": ["observekit"],
    }


@_each_board
def test_no_panel_leaves_the_grid_or_covers_another(board: Json) -> None:
    cells = [_cells(panel) for panel in board["panels"]]

    everything = set(chain.from_iterable(cells))

    assert sum(len(each) for each in cells) == len(everything)
    assert {x for x, _ in everything} == set(range(24))
    assert {y for _, y in everything} == set(range(max(y for _, y in everything) + 1))


@_each_board
def test_panel_ids_are_the_numbers_from_one(board: Json) -> None:
    ids = [panel["id"] for panel in board["panels"]]

    assert ids == list(range(1, len(ids) + 1))


@_each_board
def test_each_panel_has_a_title_of_its_own_a_description_and_a_unit(board: Json) -> None:
    panels = _panels(board)

    assert len({panel["title"] for panel in panels}) == len(panels)
    assert [panel["title"] for panel in panels if not panel["title"] or len(panel["description"]) < 80] == []
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in panels} <= _UNITS


def test_no_two_panels_of_any_boards_ask_the_same() -> None:
    asked: dict[str, list[str]] = {}
    for board in _ALL:
        for panel in _panels(board):
            # A number and the same over time are two things.
            shown = json.dumps([panel["type"], *(target["expr"] for target in panel["targets"])])
            asked.setdefault(shown, []).append(f"{board['uid']}: {panel['title']}")

    assert [where for where in asked.values() if len(where) > 1] == []


def test_panels_that_a_description_names_are_on_the_board_that_it_names() -> None:
    boards = {board["uid"]: board for board in _ALL}
    named = [
        (name, found[2].lower())
        for board in boards.values()
        for panel in _panels(board)
        for found in re.finditer(r"([^.;]*) on the (\w+) board", panel["description"])
        for name in re.findall(r"'(.+?)'", found[1])
    ]

    assert named
    assert [
        (name, board)
        for name, board in named
        if name not in {panel["title"] for panel in boards[f"observekit-{board}"]["panels"]}
    ] == []


@_each_board
def test_thresholds_rise_from_a_base_without_a_value(board: Json) -> None:
    for panel in _panels(board):
        values = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]

        assert values[0] is None
        assert values[1:] == sorted(set(values[1:]))


@_each_board
def test_a_number_that_is_missing_is_said_to_be_and_has_no_colour_of_a_value(board: Json) -> None:
    for panel in (each for each in _panels(board) if each["type"] == "stat"):
        field = panel["fieldConfig"]["defaults"]
        (special,) = [each for each in field["mappings"] if each["type"] == "special"]

        assert special["options"]["match"] == "null+nan"
        assert special["options"]["result"] == {"color": "text", "index": 0, "text": field["noValue"]}
        # Says neither that there is nothing to see, nor that all is well, where nobody can know.
        assert field["noValue"] not in {"none", "0", "ok"}
        assert [each["expr"] for each in panel["targets"] if re.search(r"\bvector\(", each["expr"])] == []


def test_some_that_answer_are_green_only_where_none_is_missing() -> None:
    def colours(panel: Json, name: str) -> list[tuple[float | None, str]]:
        own = [
            each["value"]
            for override in panel["fieldConfig"]["overrides"]
            if override["matcher"]["options"] == name
            for each in override["properties"]
            if each["id"] == "thresholds"
        ]
        steps = (own or [panel["fieldConfig"]["defaults"]["thresholds"]])[0]["steps"]
        return [(step["value"], step["color"]) for step in steps]

    found = {
        (board["uid"].removeprefix("observekit-"), panel["title"], target["legendFormat"]): colours(
            panel, target["legendFormat"]
        )
        for board in _ALL
        for panel in _panels(board)
        if panel["title"] in {"Instances up", "Processes ready"}
        for target in panel["targets"]
    }

    answering, missing = [(None, "red"), (1.0, "text")], [(None, "green"), (0.001, "red")]
    assert found == {
        ("fleet", "Instances up", "up"): answering,
        ("fleet", "Instances up", "missing"): missing,
        ("service", "Instances up", "up"): answering,
        ("service", "Instances up", "missing"): missing,
        ("health", "Processes ready", "ready"): answering,
        ("health", "Processes ready", "not ready"): missing,
    }


@_each_board
def test_every_part_reads_from_the_data_source_that_was_chosen(board: Json) -> None:
    targets = [target for panel in _panels(board) for target in panel["targets"]]
    asked = [each for each in board["templating"]["list"] if each["type"] == "query"]
    parts = [*_panels(board), *targets, *board["annotations"]["list"][1:], *asked]

    assert {json.dumps(part["datasource"], sort_keys=True) for part in parts} == {
        '{"type": "prometheus", "uid": "${prometheus_datasource}"}'
    }


@_each_board
def test_the_first_variable_is_the_data_source_and_all_is_never_empty(board: Json) -> None:
    first, *others = [each for each in board["templating"]["list"] if each["type"] != "textbox"]
    sources = [(first["name"], first["query"])]
    sources += [(each["name"], each["query"]) for each in others if each["type"] == "datasource"]

    assert sources[0] == ("prometheus_datasource", "prometheus")
    assert sources[1:] in ([], [("loki_datasource", "loki"), ("tempo_datasource", "tempo")])
    assert [
        (each["name"], each.get("allValue"), each["multi"], each["includeAll"], each["refresh"])
        for each in others
        if each["type"] == "query"
    ] == [(name, matches_all, True, True, 2) for name, matches_all in _VARIABLES[board["uid"]]]


@_each_board
def test_boards_are_linked_by_tag_and_keep_what_was_chosen(board: Json) -> None:
    first = board["links"][0]

    assert [first[name] for name in ("type", "tags", "includeVars", "keepTime")] == [
        "dashboards",
        ["observekit"],
        True,
        True,
    ]
    assert {link["type"] for link in board["links"][1:]} <= {"link"}


@_each_board
def test_each_panel_draws_each_query_under_its_own_letter(board: Json) -> None:
    for panel in _panels(board):
        letters = [target["refId"] for target in panel["targets"]]

        assert letters == list("ABCDEFGHIJ")[: len(letters)]
