"""All boards that are shipped."""

from observekit.dashboards.board import Board
from observekit.dashboards.boards.fleet import fleet
from observekit.dashboards.boards.health import healthy
from observekit.dashboards.boards.runtime import runtime
from observekit.dashboards.boards.service import service
from observekit.dashboards.boards.slo import objectives
from observekit.dashboards.boards.telemetry import telemetry

__all__ = ["boards"]


def boards() -> tuple[Board, ...]:
    """Build every board from the catalogue, in the order in which an incident is read.

    Raises:
        CatalogueError: If a board asks for something that the catalogue does not have.
    """
    return (fleet(), service(), objectives(), healthy(), runtime(), telemetry())
