"""Panels as most boards want them: lines over time, and single numbers."""

from dataclasses import replace
from typing import Final

from observekit.dashboards.limits import NEUTRAL, Thresholds
from observekit.dashboards.looks import Stat, TimeSeries
from observekit.dashboards.panels import Override, Panel, Scale, Target
from observekit.dashboards.promql import Vector
from observekit.dashboards.series import TARGET
from observekit.semconv import WORKER

PER_INSTANCE: Final = "{{job}} {{instance}}"
"""How a line is named that is about one instance."""

EACH: Final = (*TARGET, WORKER)
PER_PROCESS: Final = "{{job}} {{instance}} {{worker}}"
"""How a line is grouped and named that is about one process, of which an instance may have several."""


def lines(  # noqa: PLR0913 -- a panel has as many parts, and each is named
    title: str,
    description: str,
    unit: str,
    *targets: tuple[Vector, str],
    width: int = 12,
    look: TimeSeries | None = None,
    thresholds: Thresholds = NEUTRAL,
    scale: Scale | None = None,
) -> Panel:
    """Return lines over time; each target is a query and the name of its lines."""
    return Panel(
        title=title,
        description=description,
        unit=unit,
        look=look or TimeSeries(limits=thresholds is not NEUTRAL),
        targets=tuple(Target(query=query, legend=legend) for query, legend in targets),
        width=width,
        thresholds=thresholds,
        scale=scale or Scale(lowest=0, empty="none"),
    )


def numbers(
    title: str,
    description: str,
    unit: str,
    *targets: tuple[Vector, str],
    width: int = 6,
    thresholds: Thresholds = NEUTRAL,
    scale: Scale | None = None,
) -> Panel:
    """Return big numbers, one for each series, with their names where there may be several."""
    return Panel(
        title=title,
        description=description,
        unit=unit,
        look=Stat(names=any(legend for _, legend in targets)),
        targets=tuple(Target(query=query, legend=legend) for query, legend in targets),
        width=width,
        height=5,
        thresholds=thresholds,
        scale=scale or Scale(lowest=0, decimals=0, empty="nothing is scraped"),
    )


def coloured_by(panel: Panel, field: str, thresholds: Thresholds) -> Panel:
    """Return *panel* with limits for the number called *field* alone."""
    return replace(panel, overrides=(*panel.overrides, Override(field, (("thresholds", thresholds.json()),))))
