"""The runtime board: what each process uses, never averaged, so that the one bad instance shows."""

from observekit.dashboards.board import Board
from observekit.dashboards.choices import instance, job, worker
from observekit.dashboards.deployments import deployments
from observekit.dashboards.rows.cpu import cpu
from observekit.dashboards.rows.interpreter import interpreter
from observekit.dashboards.rows.loop import loop
from observekit.dashboards.rows.memory import memory


def runtime() -> Board:
    """Build the board of processes."""
    return Board(
        uid="observekit-runtime",
        title="Runtime",
        description="Event loop, CPU, memory and interpreter of each instance of a service.",
        variables=(job(), instance(), worker()),
        annotations=(deployments(),),
        rows=(loop(), cpu(), memory(), interpreter()),
    )
