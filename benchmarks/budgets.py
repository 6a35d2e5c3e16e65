"""The budgets that can be measured so far, as they were set before the first measurement."""

from typing import Final, NamedTuple


class Ceiling(NamedTuple):
    """What a row may add to its base.

    Attributes:
        what: What the budget is for.
        row: Name of the row.
        limit: Share of what *of* adds, or microseconds where there is no *of*.
        of: Name of the row it is compared with.
        told: The limit as it was set.
    """

    what: str
    row: str
    limit: float
    of: str | None
    told: str


class Minimum(NamedTuple):
    """What share of the bare application's throughput a row must keep."""

    what: str
    row: str
    path: str
    limit: float
    told: str


ADDED: Final = (
    Ceiling(
        "request, all signals, exported",
        "observekit-sampled",
        1 / 12,
        "hand-sampled",
        "1/12 of the hand-assembled stack",
    ),
    Ceiling("the same", "observekit-sampled", 1.7, "floor-sampled", "1.7 x the floor"),
    Ceiling("request, 1 % sampled", "observekit-few", 1 / 15, "hand-few", "1/15 of the hand-assembled stack"),
    Ceiling("the same", "observekit-few", 1.5, "floor-few", "1.5 x the floor"),
    Ceiling(
        "request, unsampled caller",
        "observekit-unsampled",
        1 / 15,
        "hand-unsampled",
        "1/15 of the hand-assembled stack",
    ),
    Ceiling("request, traces off", "observekit-untraced", 1.3, "floor-few", "1.3 x the floor at 1 %"),
    Ceiling("everything off", "observekit-off", 2.0, None, "2 us"),
    Ceiling("probe", "observekit-probe", 2.0, None, "2 us"),
)

KEPT: Final = (
    Minimum("throughput, 1 % sampled, 1 ms of work", "observekit-few", "/work", 0.85, "85 % of bare"),
    Minimum("throughput, 1 % sampled, empty route", "observekit-few", "/empty", 0.50, "50 % of bare"),
)
