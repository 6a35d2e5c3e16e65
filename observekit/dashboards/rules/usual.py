"""The objectives that each service has unless it is given others."""

from decimal import Decimal
from typing import Final

from observekit.catalogue.metrics import REQUEST_DURATION
from observekit.dashboards.rules.objective import Indicator, Objective
from observekit.dashboards.rules.selecting import under_bound
from observekit.dashboards.scope import FAILED, STATUS
from observekit.dashboards.series import Matcher, counts

AVAILABILITY: Final = Decimal("0.999")
LATENCY: Final = Decimal("0.99")
# Source: Nielsen, Usability Engineering (1993), section 5.5: above one second the flow of thought breaks.
LATENCY_SECONDS: Final = 1.0

_SERVED: Final = Matcher(STATUS, "!~", "5..")


def usual_objectives(
    *,
    availability: Decimal = AVAILABILITY,
    latency: Decimal = LATENCY,
    latency_seconds: float = LATENCY_SECONDS,
    period_days: int = 30,
) -> tuple[Objective, ...]:
    """Return the objectives of every service: requests are answered, and they are answered in time.

    Raises:
        CatalogueError: If *latency_seconds* is no bucket of the duration of requests.
        ConfigError: If a target cannot be kept or missed.
    """
    served, quick = under_bound(counts(REQUEST_DURATION, _SERVED), latency_seconds)
    return (
        Objective(
            name="http-availability",
            description="Requests are not answered with a status of 5xx.",
            target=availability,
            indicator=Indicator(total=counts(REQUEST_DURATION), bad=counts(REQUEST_DURATION, FAILED)),
            period_days=period_days,
        ),
        Objective(
            name="http-latency",
            description=f"Requests that do not fail take at most {latency_seconds:g} s.",
            target=latency,
            indicator=Indicator(total=served, good=quick),
            period_days=period_days,
        ),
    )
