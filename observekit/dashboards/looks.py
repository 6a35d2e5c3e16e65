"""How a panel draws its values: one class for each of Grafana's visualisations in use."""

from dataclasses import dataclass
from typing import Literal, Protocol


class Look(Protocol):
    """A visualisation and its options."""

    @property
    def kind(self) -> str:
        """What Grafana calls it."""
        ...

    def options(self) -> dict[str, object]:
        """Return what applies to the whole panel."""
        ...

    def custom(self) -> dict[str, object]:
        """Return what applies to each field, unless overridden."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One big number, or one for each series."""

    sparkline: bool = False
    names: bool = False

    @property
    def kind(self) -> str:
        """What Grafana calls it."""
        return "stat"

    def options(self) -> dict[str, object]:
        """Return what applies to the whole panel."""
        return {
            "colorMode": "value",
            "graphMode": "area" if self.sparkline else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value_and_name" if self.names else "value",
        }

    def custom(self) -> dict[str, object]:
        """Return nothing: a stat has no options for a field."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries:
    """Lines over time; ``limits`` draws the thresholds as dashed lines."""

    stacked: bool = False
    limits: bool = False

    @property
    def kind(self) -> str:
        """What Grafana calls it."""
        return "timeseries"

    def options(self) -> dict[str, object]:
        """Return what applies to the whole panel."""
        return {
            "legend": {
                "calcs": ["mean", "max", "lastNotNull"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }

    def custom(self) -> dict[str, object]:
        """Return what applies to each line, unless overridden."""
        return {
            "drawStyle": "line",
            "fillOpacity": 30 if self.stacked else 10,
            "lineWidth": 1,
            "showPoints": "auto",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if self.limits else "off"},
        }


@dataclass(frozen=True, slots=True)
class Heatmap:
    """How often each bucket was hit, exemplars as dots; ``bounds`` is the unit of the buckets' bounds."""

    bounds: str

    @property
    def kind(self) -> str:
        """What Grafana calls it."""
        return "heatmap"

    def options(self) -> dict[str, object]:
        """Return what applies to the whole panel."""
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {"exponent": 0.5, "mode": "scheme", "reverse": False, "scheme": "Oranges", "steps": 64},
            "exemplars": {"color": "rgba(31, 96, 196, 0.8)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": self.bounds},
        }

    def custom(self) -> dict[str, object]:
        """Return what applies to each bucket."""
        return {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and columns, the highest value of the column ``sort_by`` first."""

    sort_by: str

    @property
    def kind(self) -> str:
        """What Grafana calls it."""
        return "table"

    def options(self) -> dict[str, object]:
        """Return what applies to the whole panel."""
        return {
            "cellHeight": "sm",
            "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False},
            "showHeader": True,
            "sortBy": [{"desc": True, "displayName": self.sort_by}],
        }

    def custom(self) -> dict[str, object]:
        """Return what applies to each column, unless overridden."""
        return {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False}


@dataclass(frozen=True, slots=True)
class StateTimeline:
    """One bar for each series, coloured by what it says; ``names`` shows the text of a state in the bar."""

    names: Literal["auto", "always", "never"] = "auto"

    @property
    def kind(self) -> str:
        """What Grafana calls it."""
        return "state-timeline"

    def options(self) -> dict[str, object]:
        """Return what applies to the whole panel."""
        return {
            "alignValue": "left",
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": self.names,
            "tooltip": {"mode": "single", "sort": "none"},
        }

    def custom(self) -> dict[str, object]:
        """Return what applies to each bar."""
        return {"fillOpacity": 70, "lineWidth": 0}
