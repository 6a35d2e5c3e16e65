"""The SLO board: what was promised, what is left of it, and how fast it goes."""

from observekit.dashboards.board import Board
from observekit.dashboards.choices import job, slo
from observekit.dashboards.rows.slo import budget, burning, promises


def objectives() -> Board:
    """Build the board of error budgets."""
    return Board(
        uid="observekit-slo",
        title="SLO",
        description="Error budgets and burn rates; needs the rules of observekit (observekit rules).",
        variables=(job(), slo()),
        annotations=(),
        rows=(budget(), burning(), promises()),
    )
