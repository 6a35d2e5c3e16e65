"""The board of observekit itself: what is lost, what leaves, what it costs."""

from observekit.dashboards.board import Board
from observekit.dashboards.choices import instance, job
from observekit.dashboards.deployments import deployments
from observekit.dashboards.rows.losses import losses
from observekit.dashboards.rows.telemetry import export, scrape


def telemetry() -> Board:
    """Build the board of the telemetry itself."""
    return Board(
        uid="observekit-telemetry",
        title="observekit itself",
        description="What is lost of metrics, logs and traces, and what they cost.",
        variables=(job(), instance()),
        annotations=(deployments(),),
        rows=(losses(), export(), scrape()),
    )
