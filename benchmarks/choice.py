"""What a variant is told, and how it is found."""

from importlib import import_module
from typing import Final, NamedTuple

from observekit.asgi import ASGIApp

# At full speed spans come faster than they are exported; with a usual queue of 2,048 the rest would be
# dropped, and their cost would be missing from the measurement.
QUEUE_SIZE: Final = 200_000


class Choice(NamedTuple):
    """How a variant is to be built.

    Attributes:
        endpoint: Full URL that spans are sent to.
        ratio: Share of new traces that are sampled; a caller's decision is followed.
        queue_size: Ended spans that may wait for export.
    """

    endpoint: str
    ratio: float
    queue_size: int


def build(variant: str, choice: Choice) -> ASGIApp:
    """Return the application of a *variant*."""
    app: ASGIApp = import_module(f"benchmarks.variants.{variant}").build(choice)
    return app
