"""All alerts beside those of objectives, in the groups in which Prometheus evaluates them."""

from observekit.dashboards.rules.alerts.availability import availability
from observekit.dashboards.rules.alerts.health import health
from observekit.dashboards.rules.alerts.jobs import jobs
from observekit.dashboards.rules.alerts.process import process
from observekit.dashboards.rules.alerts.telemetry import telemetry
from observekit.dashboards.rules.alerts.traffic import traffic
from observekit.dashboards.rules.model import Group
from observekit.dashboards.rules.parameters import Parameters

__all__ = ["alert_groups"]

_BY_NAME = {
    "availability": availability,
    "traffic": traffic,
    "health": health,
    "jobs": jobs,
    "process": process,
    "telemetry": telemetry,
}


def alert_groups(given: Parameters) -> tuple[Group, ...]:
    """Build every alert that is not about an objective."""
    return tuple(
        Group(name=f"observekit-{name}", interval=given.interval, alerts=make(given))
        for name, make in _BY_NAME.items()
    )
