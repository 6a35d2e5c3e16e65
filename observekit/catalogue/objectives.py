"""How fast an error budget may burn before somebody is told."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

_HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnPair:
    """Two windows that have to burn too fast at once: the long one for certainty, the short one for an end.

    ``share`` of the budget of the whole period is gone when the long window has burned at the limit. All
    times are seconds; ``pending`` is how long the alert waits.
    """

    long: int
    short: int
    share: Decimal
    pending: int
    severity: Literal["critical", "warning"]

    def factor(self, period: int) -> Decimal:
        """Return how many times too fast the budget of *period* seconds must burn, without a unit.

        A factor of 1 spends the whole budget in exactly one period.
        """
        return self.share * period / self.long


# Source: Site Reliability Workbook, chapter 5, table 5-8 and the example rules below it: shares, windows and
# a short window of a twelfth; how long to wait is kubernetes-mixin's half of the short window.
BURN_PAIRS: Final = (
    BurnPair(
        long=_HOUR, short=_HOUR // 12, share=Decimal("0.02"), pending=2 * _HOUR // 60, severity="critical"
    ),
    BurnPair(
        long=6 * _HOUR, short=_HOUR // 2, share=Decimal("0.05"), pending=_HOUR // 4, severity="critical"
    ),
    BurnPair(long=24 * _HOUR, short=2 * _HOUR, share=Decimal("0.10"), pending=_HOUR, severity="warning"),
    BurnPair(long=72 * _HOUR, short=6 * _HOUR, share=Decimal("0.10"), pending=3 * _HOUR, severity="warning"),
)

PERIOD_DAYS: Final = (28, 30)
"""Lengths of an objective: four whole weeks, with as many weekends each time, or about a month."""
