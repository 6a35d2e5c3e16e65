"""What rules record, as boards read it; a name that no rule records cannot be asked for."""

from functools import cache

from observekit.catalogue.metrics import TARGET_INFO
from observekit.dashboards.conditions import both, either, present
from observekit.dashboards.promql import Vector, max_by, now
from observekit.dashboards.rules.files import groups
from observekit.dashboards.rules.known import KNOWN
from observekit.dashboards.rules.model import PREFIX, selected
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.series import TARGET, UP, Matcher, samples
from observekit.errors import CatalogueError


def recorded(name: str, *matchers: Matcher) -> Vector:
    """Return what is recorded under *name*, as far as it passes *matchers*.

    Raises:
        CatalogueError: If no rule records it, or not with such a label.
    """
    if name not in _recordings():
        raise CatalogueError(f"{name}: no rule records it; there are {', '.join(sorted(_recordings()))}.")
    return selected(name, _recordings()[name], matchers)


def firing(*matchers: Matcher) -> Vector:
    """Return 1 for each alert of ours that fires, as far as it passes *matchers*; made by Prometheus."""
    labels = frozenset({*TARGET, "alertname", "alertstate", "severity", "slo", "long_window", "check"})
    ours = (Matcher("alertname", "=~", f"{PREFIX}.+"), Matcher("alertstate", "=", "firing"))
    return selected("ALERTS", labels, (*ours, *matchers))


def targets(*matchers: Matcher) -> Vector:
    """Return 1 or 0 for each target of ours that is to be scraped: whether it answers.

    Who stopped to answer long ago is known from what is recorded; without rules, within an hour.
    """
    shown = max_by(present(samples(TARGET_INFO, *matchers), "1h"), *TARGET)
    return both(now(samples(UP, *matchers)), either(recorded(KNOWN, *matchers), shown), *TARGET)


@cache
def _recordings() -> dict[str, frozenset[str]]:
    return {
        recording.name: recording.read().labels
        for group in groups(Parameters())
        for recording in group.recordings
    }
