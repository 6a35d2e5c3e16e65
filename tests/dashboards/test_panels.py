"""Panels and layout: what cannot be used by a person or drawn by Grafana is refused."""

from dataclasses import replace

import pytest

from observekit.catalogue import MetricSpec
from observekit.dashboards.board import Board
from observekit.dashboards.looks import Stat, TimeSeries
from observekit.dashboards.panels import Panel, Row, Scale, Target
from observekit.dashboards.promql import now, sum_by
from observekit.dashboards.series import samples
from observekit.errors import CatalogueError

_DEPTH = MetricSpec(name="queue_depth", kind="gauge", help="Jobs that wait.", labels=("queue",))


def _panel(width: int, height: int) -> Panel:
    return Panel(
        title=f"{width} by {height}",
        description="Nothing to do.",
        unit="short",
        look=Stat(),
        targets=(Target(query=now(samples(_DEPTH))),),
        width=width,
        height=height,
        scale=Scale(empty="nothing is scraped"),
    )


def _places(*rows: Row) -> list[tuple[object, object]]:
    board = Board(uid="x", title="x", description="x", variables=(), annotations=(), rows=rows).json("15s")
    panels = board["panels"]
    assert isinstance(panels, list)
    return [(panel["title"], tuple(panel["gridPos"][side] for side in "xywh")) for panel in panels]


def test_panels_fill_a_line_and_wrap_below_the_highest() -> None:
    first = Row("first", (_panel(12, 8), _panel(12, 5), _panel(1, 4)))
    second = Row("second", (_panel(24, 6),))

    places = _places(first, second)

    assert places == [
        ("first", (0, 0, 24, 1)),
        ("12 by 8", (0, 1, 12, 8)),
        ("12 by 5", (12, 1, 12, 5)),
        ("1 by 4", (0, 9, 1, 4)),
        ("second", (0, 13, 24, 1)),
        ("24 by 6", (0, 14, 24, 6)),
    ]


def test_a_legend_that_names_a_lost_label_is_refused() -> None:
    with pytest.raises(CatalogueError) as told:
        Target(query=sum_by(now(samples(_DEPTH)), "queue"), legend="{{job}}: {{ queue }} {{shard}}")

    assert str(told.value) == (
        "legend '{{job}}: {{ queue }} {{shard}}' of sum by (queue) (queue_depth): "
        "'job' is not a label here; there are queue; 'shard' is not a label here; there are queue."
    )


def test_a_panel_is_told_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(CatalogueError) as told:
        Panel(title="", description="Waiting", unit="", look=TimeSeries(), targets=(), width=25)

    assert str(told.value) == (
        "panel '': title must say what is shown; description must be sentences that end with a full stop; "
        "unit must be one of Grafana's, such as short; a panel needs a query; "
        "width is 25, but must be 1 to 24."
    )


def test_lines_without_a_legend_are_refused() -> None:
    with pytest.raises(CatalogueError) as told:
        Panel(
            title="Depth",
            description="Nothing to do.",
            unit="short",
            look=TimeSeries(),
            targets=(Target(query=now(samples(_DEPTH))),),
            width=12,
        )

    assert str(told.value) == "panel 'Depth': each query needs a legend."


def test_a_number_without_a_word_for_its_absence_is_refused() -> None:
    with pytest.raises(CatalogueError) as told:
        replace(_panel(12, 8), scale=Scale(lowest=0))

    assert str(told.value) == "panel '12 by 8': a number needs a text in place of no value."
