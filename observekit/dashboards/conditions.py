"""PromQL of alerts: conditions over vectors, and what was over a window, built like everything in promql."""

from typing import Final, Literal

from observekit.dashboards.promql import Vector, checked, operand, refuse_foreign_labels
from observekit.dashboards.series import TARGET, Series
from observekit.errors import CatalogueError

JOB: Final = TARGET[:-1]
"""Labels that tell one service from all others."""

Comparison = Literal[">", ">=", "<", "<=", "=="]


def where(vector: Vector, comparison: Comparison, limit: float | str) -> Vector:
    """Keep the series whose value compares so with *limit*; a text is a number written as it shall stand."""
    return Vector(f"{operand(vector)} {comparison} {limit}", vector.labels, loose=True)


def whether(vector: Vector, comparison: Comparison, limit: float | str) -> Vector:
    """Return 1 for each series whose value compares so with *limit*, and 0 for each other."""
    return Vector(f"{operand(vector)} {comparison} bool {limit}", vector.labels, loose=True)


def both(left: Vector, right: Vector, *labels: str) -> Vector:
    """Keep the series of *left* that have one in *right* with the same values of *labels*."""
    return _matched("and", left, right, labels)


def neither(left: Vector, right: Vector, *labels: str) -> Vector:
    """Keep the series of *left* that have none in *right* with the same values of *labels*."""
    return _matched("unless", left, right, labels)


def either(left: Vector, right: Vector) -> Vector:
    """Return all of *left*, and those of *right* that have other labels."""
    return Vector(f"{operand(left)} or {operand(right)}", left.labels | right.labels, loose=True)


def beyond(left: Vector, right: Vector) -> Vector:
    """Keep the series of *left* that are above that of *right* with the same labels, which both have."""
    if left.labels != right.labels:
        raise CatalogueError(f"{left} > {right}: the sides have different labels; group both by the same.")
    return Vector(f"{operand(left)} > {operand(right)}", left.labels, loose=True)


def difference(left: Vector, right: Vector) -> Vector:
    """Subtract series by series; both sides have the same labels."""
    if left.labels != right.labels:
        raise CatalogueError(f"{left} - {right}: the sides have different labels; group both by the same.")
    return Vector(f"{operand(left)} - {operand(right)}", left.labels, loose=True)


def present(series: Series, window: str) -> Vector:
    """Return 1 for each series that had a sample within *window*."""
    return Vector(f"present_over_time({series}[{checked(window)}])", series.labels)


def changes(series: Series, window: str) -> Vector:
    """Count how often the value was another one than before, within *window*."""
    if series.cumulative:
        raise CatalogueError(f"{series}: changes() is for values that go up and down; use increase().")
    return Vector(f"changes({series}[{checked(window)}])", series.labels)


def seconds_since(series: Series) -> Vector:
    """Return how long ago the Unix time is that *series* has as its value."""
    _refuse_other_than_times(series)
    return Vector(f"time() - {series}", series.labels, loose=True)


def age(times: Vector) -> Vector:
    """Return how many seconds ago the Unix times *times* are."""
    return Vector(f"time() - {operand(times)}", times.labels, loose=True)


def scraped_at(series: Series) -> Vector:
    """Return the Unix time at which *series* was scraped last."""
    return Vector(f"timestamp({series})", series.labels)


def clock_offset(series: Series) -> Vector:
    """Return by how much the clock of *series* and that of Prometheus differ, in seconds, either way."""
    _refuse_other_than_times(series)
    return Vector(f"abs(timestamp({series}) - {series})", series.labels)


def at_least(vector: Vector, lowest: int) -> Vector:
    """Put *lowest* in the place of each value below it."""
    return Vector(f"clamp_min({vector}, {lowest})", vector.labels)


def _refuse_other_than_times(series: Series) -> None:
    if not series.spec.name.endswith("_time_seconds") and not series.spec.name.endswith("_timestamp_seconds"):
        raise CatalogueError(f"{series}: is no Unix time, whose name ends in _timestamp_seconds.")


def _matched(word: str, left: Vector, right: Vector, labels: tuple[str, ...]) -> Vector:
    refuse_foreign_labels(left.text, left.labels, labels)
    refuse_foreign_labels(right.text, right.labels, labels)
    on = f"on ({', '.join(labels)}) " if labels else ""
    return Vector(f"{operand(left)} {word} {on}{operand(right)}", left.labels, loose=True)
