"""The health board: what services say of themselves, and how they live."""

from observekit.dashboards.board import Board
from observekit.dashboards.choices import instance, job
from observekit.dashboards.deployments import deployments
from observekit.dashboards.rows.health import health
from observekit.dashboards.rows.life import life, readiness


def healthy() -> Board:
    """Build the board of health and life cycle."""
    return Board(
        uid="observekit-health",
        title="Health and life cycle",
        description="Checks, life cycle and restarts of each instance of a service.",
        variables=(job(), instance()),
        annotations=(deployments(),),
        rows=(readiness(), health(), life()),
    )
