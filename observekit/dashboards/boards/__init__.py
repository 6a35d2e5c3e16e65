"""All boards that are shipped."""

from observekit.dashboards.board import Board
from observekit.dashboards.boards.service import service

__all__ = ["boards"]


def boards() -> tuple[Board, ...]:
    """Build every board from the catalogue.

    Raises:
        CatalogueError: If a board asks for something that the catalogue does not have.
    """
    return (service(),)
