"""Grafana's own types, in the SDK that it publishes, know every key of the boards."""

import json
import warnings
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

# It prefers the new form, which Grafana refuses to take from files; 10 to 13 take the classic one.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()

_FILES = sorted((Path(__file__).parents[2] / "grafana" / "dashboards").glob("*.json"))
_BOARDS = [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in _FILES]

Json = dict[str, Any]


def _keys(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key}"
            yield from _keys(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, path)


def _unknown(board: Json) -> set[str]:
    """Return the keys that do not come back when the board is read into Grafana's types and written again."""
    back = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(deepcopy(board))))
    return set(_keys(board)) - set(_keys(back))


@pytest.mark.parametrize("board", _BOARDS)
def test_no_key_of_a_board_is_unknown_to_grafana(board: Json) -> None:
    assert _unknown(board) == set()


@pytest.mark.parametrize(
    ("place", "lost"),
    [
        (("options",), ".panels.options.lengend"),
        (("targets", 0), ".panels.targets.lengend"),
        (("fieldConfig", "defaults"), ".panels.fieldConfig.defaults.lengend"),
        (("fieldConfig", "defaults", "custom"), ".panels.fieldConfig.defaults.custom.lengend"),
    ],
)
def test_a_misspelled_key_would_be_seen(place: tuple[str | int, ...], lost: str) -> None:
    board = json.loads((_FILES[0].parent / "observekit-service.json").read_text(encoding="utf-8"))
    inner: Any = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    for step in place:
        inner = inner[step]
    inner["lengend"] = {}

    assert _unknown(board) == {lost}
