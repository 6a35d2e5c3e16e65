"""Boards of Grafana, as far as they ask Prometheus: every query in them, whoever has made them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from observekit.dashboards.check.expressions import complaints
from observekit.dashboards.check.vocabulary import Vocabulary
from observekit.errors import ConfigError

# What Grafana puts in the place of its own variables, as far as a parser needs to know.
_DURATIONS: Final = re.compile(
    r"\$(?:__rate_interval|__interval|__range|{(?:__rate_interval|__interval|__range)})"
)
_SECONDS: Final = re.compile(r"\$(?:__range_s|__interval_ms|__range_ms|{__range_s})")
_IN_WINDOW: Final = re.compile(r"\[\s*(?:\$\w+|\${\w+(?::\w+)?})\s*(:[^\]]*)?\]")
_IN_QUOTES: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`""")
_VARIABLE: Final = re.compile(r"\$(\w+)|\${(\w+)(?::\w+)?}|\[\[(\w+)\]\]")
_LABEL_VALUES: Final = re.compile(r"\s*label_values\((?:(.*),)?\s*(\w+)\s*\)\s*", re.DOTALL)
_QUERY_RESULT: Final = re.compile(r"\s*query_result\((.*)\)\s*", re.DOTALL)


def board_complaints(board: object, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield everything that is wrong with the queries of a board, each with where it stands.

    Raises:
        ConfigError: If it is no board in Grafana's classic form.
    """
    if not isinstance(board, Mapping) or not isinstance(board.get("panels"), list):
        raise ConfigError("it is no dashboard of Grafana in the classic form, which has panels.")
    for where, query in _queries(board):
        for complaint in complaints(as_promql(query), vocabulary):
            yield f"{where}: {complaint}"


def as_promql(query: str) -> str:
    """Return *query* with Grafana's variables in a form that parses; those between quotes are left."""
    quoted: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        quoted.append(found[0])
        return f'"{len(quoted) - 1}"'

    text = _IN_QUOTES.sub(put_aside, query)
    text = _IN_WINDOW.sub(r"[5m\1]", _SECONDS.sub("300", _DURATIONS.sub("5m", text)))
    text = _VARIABLE.sub(lambda found: next(filter(None, found.groups())), text)
    return re.sub(r'"(\d+)"', lambda found: quoted[int(found[1])], text)


def _queries(board: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in _panels(board):
        where = f"panel {panel.get('title', '')!r}"
        yield from ((where, query) for query in _of_panel(panel))
    for annotation in _entries(board, "annotations", "list"):
        if isinstance(query := annotation.get("expr"), str) and query:
            yield f"annotation {annotation.get('name', '')!r}", query
    for variable in _entries(board, "templating", "list"):
        if (query := _of_variable(variable)) is not None:
            yield f"variable {variable.get('name', '')!r}", query


def _panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in _entries(board, "panels"):
        yield panel
        # A row that is folded keeps its panels to itself.
        yield from _entries(panel, "panels")


def _entries(holder: Mapping[str, Any], *path: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list at *path*; where nothing stands, or null, there are none."""
    found: Any = holder
    for name in path:
        if found is not None and not isinstance(found, Mapping):
            raise ConfigError(f"its {path[0]} must be an object.")
        found = None if found is None else found.get(name)
    if found is not None and not (isinstance(found, list) and all(isinstance(one, Mapping) for one in found)):
        raise ConfigError(f"its {'.'.join(path)} must be a list of objects.")
    return found or []


def _of_panel(panel: Mapping[str, Any]) -> Iterator[str]:
    for target in _entries(panel, "targets"):
        source = target.get("datasource") or panel.get("datasource")
        kind = source.get("type") if isinstance(source, Mapping) else None
        if kind in {None, "prometheus"} and isinstance(target.get("expr"), str) and target["expr"].strip():
            yield target["expr"]


def _of_variable(variable: Mapping[str, Any]) -> str | None:
    if variable.get("type") != "query":
        return None
    query = variable.get("query")
    text = query.get("query") if isinstance(query, Mapping) else query
    if not isinstance(text, str):
        return None
    if found := _LABEL_VALUES.fullmatch(text):
        # The values of a label are those of its groups; a label alone is that of any metric.
        return f"group by ({found[2]}) (present_over_time({found[1]}[5m]))" if found[1] else None
    found = _QUERY_RESULT.fullmatch(text)
    return found[1] if found else None
