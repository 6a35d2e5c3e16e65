"""What a board shows: its panels as they stand in the JSON, with the answers to their queries."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from observekit.dashboards.board import HIDDEN
from observekit.dashboards.preview.prometheus import Prometheus
from observekit.dashboards.rules.durations import seconds_of

_POINTS: Final = 240
"""As many as a panel of half a screen can show apart."""
_LABEL: Final = re.compile(r"{{\s*(\w+)\s*}}")
_MACRO: Final = re.compile(r"\$(?:{(\w+)(?::\w+)?}|(\w+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is looked at: ``span`` seconds up to ``end``, with values chosen for variables."""

    end: float
    span: float
    chosen: Mapping[str, str] = field(default_factory=dict)

    def step(self, scrape: float) -> float:
        """Return the seconds between two points, never fewer than between two scrapes."""
        return max(scrape, round(self.span / _POINTS))


def picture(board: Mapping[str, Any], prometheus: Prometheus, view: View) -> dict[str, Any]:
    """Ask for everything on *board* and return what the page draws.

    Raises:
        RemoteError: If Prometheus does not answer.
    """
    offered = [each for each in board["templating"]["list"] if each["type"] == "query"]
    variables = {each["name"]: each.get("allValue", ".+") for each in offered}
    hidden = {each["name"] for each in offered if each.get("hide") == HIDDEN}
    chosen = {**variables, **view.chosen}
    return {
        "uid": board["uid"],
        "title": board["title"],
        "description": board["description"],
        "variables": {name: view.chosen.get(name, "All") for name in variables if name not in hidden},
        "from": view.end - view.span,
        "to": view.end,
        "panels": [_panel(panel, prometheus, view, chosen) for panel in board["panels"]],
    }


def _panel(
    panel: Mapping[str, Any], prometheus: Prometheus, view: View, chosen: Mapping[str, str]
) -> dict[str, Any]:
    frames: list[dict[str, Any]] = []
    problems: list[str] = []
    for target in panel.get("targets", ()):
        try:
            frames += _frames(target, prometheus, view, chosen)
        except ValueError as error:
            problems.append(str(error))
    kept = ("title", "type", "description", "gridPos", "fieldConfig", "options", "transformations")
    return {**{name: panel[name] for name in kept if name in panel}, "frames": frames, "problems": problems}


def _frames(
    target: Mapping[str, Any], prometheus: Prometheus, view: View, chosen: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    scrape = float(seconds_of(target["interval"]) or 15)
    step = view.step(scrape)
    expression = asked(target["expr"], {**chosen, **_macros(view, step, scrape)})
    if target["instant"]:
        found = prometheus.query(expression, view.end)
    else:
        found = prometheus.query_range(expression, view.end - view.span, view.end, step)
    for series in found:
        yield {
            "ref": target["refId"],
            "name": _legend(target["legendFormat"], series["metric"]),
            "labels": series["metric"],
            "points": [[float(moment), _number(value)] for moment, value in series["values"]],
        }


def asked(expression: str, chosen: Mapping[str, str]) -> str:
    """Return *expression* with variables and macros replaced by what was chosen."""
    return _MACRO.sub(lambda found: chosen.get(found[1] or found[2], found[0]), expression)


def _macros(view: View, step: float, scrape: float) -> dict[str, str]:
    # As Grafana reckons it: four scrapes at least, so that a rate has two samples and survives a lost one.
    window = max(step + scrape, 4 * scrape)
    return {"__rate_interval": f"{window:.0f}s", "__range": f"{view.span:.0f}s", "__interval": f"{step:.0f}s"}


def _legend(template: str, labels: Mapping[str, str]) -> str:
    if template == "__auto":
        return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")
    return " ".join(_LABEL.sub(lambda found: labels.get(found[1], ""), template).split())


def _number(text: str) -> float | None:
    number = float(text)
    return number if abs(number) < float("inf") else None
