"""What rules record, as boards read it; a name that no rule records cannot be asked for."""

from functools import cache

from observekit.dashboards.promql import Vector
from observekit.dashboards.rules.files import groups
from observekit.dashboards.rules.model import PREFIX
from observekit.dashboards.rules.parameters import Parameters
from observekit.dashboards.series import TARGET, Matcher, no_such_label
from observekit.errors import CatalogueError


def recorded(name: str, *matchers: Matcher) -> Vector:
    """Return what is recorded under *name*, as far as it passes *matchers*.

    Raises:
        CatalogueError: If no rule records it, or not with such a label.
    """
    if name not in _recordings():
        raise CatalogueError(f"{name}: no rule records it; there are {', '.join(sorted(_recordings()))}.")
    return _selected(name, _recordings()[name], matchers)


def firing(*matchers: Matcher) -> Vector:
    """Return 1 for each alert of ours that fires, as far as it passes *matchers*; made by Prometheus."""
    labels = frozenset({*TARGET, "alertname", "alertstate", "severity", "slo", "long_window", "check"})
    ours = (Matcher("alertname", "=~", f"{PREFIX}.+"), Matcher("alertstate", "=", "firing"))
    return _selected("ALERTS", labels, (*ours, *matchers))


@cache
def _recordings() -> dict[str, frozenset[str]]:
    return {
        recording.name: recording.read().labels
        for group in groups(Parameters())
        for recording in group.recordings
    }


def _selected(name: str, labels: frozenset[str], matchers: tuple[Matcher, ...]) -> Vector:
    if told := [no_such_label(each.label, labels) for each in matchers if each.label not in labels]:
        raise CatalogueError(f"{name}: {'; '.join(told)}.")
    return Vector(f"{name}{{{','.join(map(str, matchers))}}}" if matchers else name, labels)
