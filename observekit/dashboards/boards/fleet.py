"""The fleet board: every service on one page, to see where to look."""

from observekit.dashboards.board import Board
from observekit.dashboards.choices import job
from observekit.dashboards.rows.fleet import now_row, over_time


def fleet() -> Board:
    """Build the board of all services."""
    return Board(
        uid="observekit-fleet",
        title="Fleet",
        description="All services at a glance; needs the rules of observekit (observekit rules).",
        variables=(job(),),
        annotations=(),
        rows=(now_row(), over_time()),
    )
