"""The parts of a board: queries, panels and rows, from typed data to Grafana's JSON."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final, Literal

from observekit.dashboards.limits import NEUTRAL, UNKNOWN, Thresholds
from observekit.dashboards.looks import Look
from observekit.dashboards.promql import Vector
from observekit.dashboards.series import no_such_label
from observekit.errors import CatalogueError

COLUMNS: Final = 24
"""How many columns Grafana's grid has."""

PROMETHEUS: Final = "prometheus_datasource"
"""The variable for it; Grafana's linter wants this name where there are others."""

DATA_SOURCE: Final = {"type": "prometheus", "uid": f"${{{PROMETHEUS}}}"}
"""The data source that the board's variable names, so that import needs no edit."""

_LEGEND_LABEL: Final = re.compile(r"{{\s*(\w+)\s*}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One query of a panel; ``instant`` asks for the end of the time range only.

    Raises:
        CatalogueError: If the legend names a label that the query does not give.
    """

    query: Vector
    legend: str = ""
    shape: Literal["time_series", "table", "heatmap"] = "time_series"
    instant: bool = False
    exemplars: bool = False

    def __post_init__(self) -> None:
        used = _LEGEND_LABEL.findall(self.legend)
        if missing := [name for name in used if name not in self.query.labels]:
            told = "; ".join(no_such_label(name, self.query.labels) for name in missing)
            raise CatalogueError(f"legend {self.legend!r} of {self.query}: {told}.")

    def json(self, reference: str, scrape_interval: str) -> dict[str, object]:
        """Return Grafana's form; *scrape_interval* becomes the shortest step between two values."""
        return {
            "datasource": DATA_SOURCE,
            "editorMode": "code",
            "exemplar": self.exemplars,
            "expr": self.query.text,
            "format": self.shape,
            "instant": self.instant,
            "interval": scrape_interval,
            "legendFormat": self.legend or "__auto",
            "range": not self.instant,
            "refId": reference,
        }


@dataclass(frozen=True, slots=True)
class Override:
    """Settings for the field of one name, as Grafana's property ids and values."""

    field: str
    properties: tuple[tuple[str, object], ...]

    def json(self) -> dict[str, object]:
        """Return Grafana's form."""
        return {
            "matcher": {"id": "byName", "options": self.field},
            "properties": [{"id": name, "value": value} for name, value in self.properties],
        }


def coloured(**colors: str) -> tuple[Override, ...]:
    """Give each named field its fixed colour, the same on every board."""
    return tuple(
        Override(field, (("color", {"fixedColor": color, "mode": "fixed"}),))
        for field, color in colors.items()
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers are shown: ends of the axis, digits, and the text in place of no value."""

    lowest: float | None = None
    highest: float | None = None
    decimals: int | None = None
    empty: str | None = None

    def json(self) -> dict[str, object]:
        """Return what was given, in Grafana's names."""
        given = {
            "min": self.lowest,
            "max": self.highest,
            "decimals": self.decimals,
            "noValue": self.empty,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture: what it shows, what to do when it looks wrong, and how it is drawn.

    ``unit`` is a Grafana unit id, ``width`` a number of the grid's columns.
    ``meanings`` gives values a text and a colour; ``transformations`` are Grafana's, in their order.

    Raises:
        CatalogueError: If a person could not use it, or the grid not hold it.
    """

    title: str
    description: str
    unit: str
    look: Look
    targets: tuple[Target, ...]
    width: int
    height: int = 8
    thresholds: Thresholds = NEUTRAL
    scale: Scale = Scale(lowest=0)
    overrides: tuple[Override, ...] = ()
    meanings: tuple[tuple[str, str, str], ...] = ()
    transformations: tuple[dict[str, object], ...] = ()

    def __post_init__(self) -> None:
        if told := "; ".join(_panel_problems(self)):
            raise CatalogueError(f"panel {self.title!r}: {told}.")

    def json(self, number: int, place: dict[str, int], scrape_interval: str) -> dict[str, object]:
        """Return Grafana's form of the panel with the id *number* at *place*."""
        return {
            "datasource": DATA_SOURCE,
            "description": self.description,
            "fieldConfig": {
                "defaults": self._field_defaults(),
                "overrides": [override.json() for override in self.overrides],
            },
            "gridPos": place,
            "id": number,
            "options": self.look.options(),
            "targets": [
                target.json(reference, scrape_interval)
                for reference, target in zip(ascii_uppercase, self.targets, strict=False)
            ],
            "title": self.title,
            "transformations": list(self.transformations),
            "type": self.look.kind,
        }

    def _field_defaults(self) -> dict[str, object]:
        return {
            **self.scale.json(),
            "color": {"mode": "palette-classic" if self.look.kind == "timeseries" else "thresholds"},
            "custom": self.look.custom(),
            "mappings": list(self._mappings()),
            "thresholds": self.thresholds.json(),
            "unit": self.unit,
        }

    def _mappings(self) -> Iterator[dict[str, object]]:
        if self.meanings:
            options = {
                value: {"color": color, "index": index, "text": text}
                for index, (value, text, color) in enumerate(self.meanings)
            }
            yield {"options": options, "type": "value"}
        if self.look.kind == "stat":
            # Without a word on it, Grafana paints no value in the colour of the lowest, which may be green.
            result = {"color": UNKNOWN, "index": len(self.meanings), "text": self.scale.empty}
            yield {"options": {"match": "null+nan", "result": result}, "type": "special"}


@dataclass(frozen=True, slots=True)
class Row:
    """A headline and the panels below it, set from left to right and wrapped at the end of a line."""

    title: str
    panels: tuple[Panel, ...]


def _panel_problems(panel: Panel) -> Iterator[str]:
    if not panel.title:
        yield "title must say what is shown"
    if not panel.description.endswith("."):
        yield "description must be sentences that end with a full stop"
    if not panel.unit:
        yield "unit must be one of Grafana's, such as short"
    if not panel.targets:
        yield "a panel needs a query"
    if not 0 < panel.width <= COLUMNS:
        yield f"width is {panel.width}, but must be 1 to {COLUMNS}"
    if panel.look.kind in {"timeseries", "state-timeline"} and not all(each.legend for each in panel.targets):
        yield "each query needs a legend"
    if panel.look.kind == "stat" and not panel.scale.empty:
        yield "a number needs a text in place of no value"
