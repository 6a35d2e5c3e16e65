"""A whole board: variables, annotations and rows, laid out on Grafana's grid."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from observekit.dashboards.panels import COLUMNS, DATA_SOURCE, PROMETHEUS, Panel, Row
from observekit.dashboards.promql import Vector

# Migrations of later versions change nothing in what is written here.
SCHEMA_VERSION: Final = 39
TAG: Final = "observekit"
"""All boards carry it, and link to all boards that carry it."""

REFRESH_WHEN_RANGE_CHANGES: Final = 2
HIDDEN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice at the top of the board.

    One of kind ``query`` is filled by *query*, and ``matches_all`` is the regex behind "All"; a
    ``datasource`` is one of the type *query*, and a ``textbox`` is filled by a person.
    One that is ``hidden`` always stands for all that its query finds, and is for links.
    """

    name: str
    title: str
    query: str
    matches_all: str = ""
    kind: Literal["query", "datasource", "textbox"] = "query"
    hidden: bool = False

    def json(self) -> dict[str, object]:
        """Return Grafana's form."""
        always: dict[str, object] = {
            "hide": HIDDEN if self.hidden else 0,
            "label": self.title,
            "name": self.name,
            "skipUrlSync": self.hidden,
            "type": self.kind,
        }
        if self.kind == "textbox":
            nothing = {"selected": True, "text": "", "value": ""}
            return {**always, "current": nothing, "options": [nothing], "query": ""}
        if self.kind == "datasource":
            own = {"current": {}, "includeAll": False, "multi": False, "query": self.query, "refresh": 1}
            return {**always, **own, "options": [], "regex": ""}
        return {
            **always,
            # Without a regex of its own, All over an empty list becomes "" and empties the whole board.
            **({"allValue": self.matches_all} if self.matches_all else {}),
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "datasource": DATA_SOURCE,
            "definition": self.query,
            "includeAll": True,
            "multi": True,
            "options": [],
            "query": {"query": self.query, "refId": self.name},
            "refresh": REFRESH_WHEN_RANGE_CHANGES,
            "regex": "",
            "sort": 1,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A way from the board to *url*, in which variables are replaced by what is chosen."""

    title: str
    tooltip: str
    url: str

    def json(self) -> dict[str, object]:
        """Return Grafana's form."""
        return {
            **_LINK,
            "includeVars": False,
            "keepTime": False,
            "tags": [],
            "targetBlank": True,
            "title": self.title,
            "tooltip": self.tooltip,
            "type": "link",
            "url": self.url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Vertical lines at the times that *query* has as its values, in milliseconds."""

    name: str
    query: Vector
    title: str
    text: str
    tags: tuple[str, ...]

    def json(self, scrape_interval: str) -> dict[str, object]:
        """Return Grafana's form."""
        return {
            "datasource": DATA_SOURCE,
            "enable": True,
            "expr": self.query.text,
            "hide": False,
            "iconColor": "blue",
            "name": self.name,
            "step": scrape_interval,
            "tagKeys": ",".join(self.tags),
            "textFormat": self.text,
            "titleFormat": self.title,
            # The line stands where the value says, so it cannot slip between two steps.
            "useValueForTime": True,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything on one page. The uid is its address in Grafana and never changes."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
    rows: tuple[Row, ...]
    links: tuple[Link, ...] = ()

    def json(self, scrape_interval: str) -> dict[str, object]:
        """Return the classic dashboard model, ready for import and for file provisioning."""
        return {
            "annotations": {
                "list": [_GRAFANAS_OWN, *(each.json(scrape_interval) for each in self.annotations)]
            },
            "description": self.description,
            "editable": False,
            "graphTooltip": 1,
            "links": [_LINK_TO_ALL, *(each.json() for each in self.links)],
            "panels": list(_laid_out(self.rows, scrape_interval)),
            "refresh": "30s",
            "schemaVersion": SCHEMA_VERSION,
            "tags": [TAG],
            "templating": {"list": [each.json() for each in (_PROMETHEUS, *self.variables)]},
            "time": {"from": "now-1h", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "title": self.title,
            "uid": self.uid,
        }


_GRAFANAS_OWN: Final = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
_LINK: Final = {"asDropdown": False, "icon": "external link"}
_LINK_TO_ALL: Final = {
    **_LINK,
    "includeVars": True,
    "keepTime": True,
    "tags": [TAG],
    "targetBlank": False,
    "title": "observekit",
    "tooltip": "",
    "type": "dashboards",
    "url": "",
}
_PROMETHEUS: Final = Variable(
    name=PROMETHEUS, title="Prometheus data source", query="prometheus", kind="datasource"
)


def _laid_out(rows: tuple[Row, ...], scrape_interval: str) -> Iterator[dict[str, object]]:
    number, top = 1, 0
    for row in rows:
        yield _headline(row.title, number, top)
        top += 1
        for panel, place in _placed(row.panels, top):
            number += 1
            yield panel.json(number, place, scrape_interval)
        number += 1
        top += _height(row.panels)


def _headline(title: str, number: int, top: int) -> dict[str, object]:
    return {
        "collapsed": False,
        "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        "id": number,
        "panels": [],
        "title": title,
        "type": "row",
    }


def _placed(panels: tuple[Panel, ...], top: int) -> Iterator[tuple[Panel, dict[str, int]]]:
    for line in _lines(panels):
        left = 0
        for panel in line:
            yield panel, {"h": panel.height, "w": panel.width, "x": left, "y": top}
            left += panel.width
        top += max(panel.height for panel in line)


def _height(panels: tuple[Panel, ...]) -> int:
    return sum(max(panel.height for panel in line) for line in _lines(panels))


def _lines(panels: tuple[Panel, ...]) -> list[list[Panel]]:
    lines: list[list[Panel]] = []
    for panel in panels:
        if not lines or sum(each.width for each in lines[-1]) + panel.width > COLUMNS:
            lines.append([])
        lines[-1].append(panel)
    return lines
