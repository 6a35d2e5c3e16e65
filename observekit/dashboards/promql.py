"""PromQL as functions over selectors: what Prometheus would answer wrongly or not at all cannot be built."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from observekit.dashboards.series import TARGET, Series, no_such_label
from observekit.errors import CatalogueError

RATE_INTERVAL: Final = "$__rate_interval"
"""The window that Grafana makes at least four scrapes long."""

WHOLE_RANGE: Final = "$__range"
"""The time range that the board shows."""

_WINDOW: Final = re.compile(r"\$__rate_interval|\$__range|[1-9][0-9]*(ms|[smhd])")


@dataclass(frozen=True, slots=True)
class Vector:
    """An expression whose value is an instant vector, and the labels that its series can carry.

    ``loose`` expressions end in a binary operator and are bracketed before they are used in another one.
    """

    text: str
    labels: frozenset[str]
    loose: bool = False

    def __str__(self) -> str:
        return self.text


def rate(series: Series, window: str = RATE_INTERVAL) -> Vector:
    """Return the growth per second; only cumulative series have one."""
    return _growth("rate", series, window)


def increase(series: Series, window: str = RATE_INTERVAL, *, before: str = "") -> Vector:
    """Return the growth over *window*, which ends now or *before* now; only cumulative series have one."""
    return _growth("increase", series, window, f" offset {checked(before)}" if before else "")


def now(series: Series, *, before: str = "") -> Vector:
    """Return the values as they stand, or stood *before* now; those of cumulative series mean nothing."""
    if series.cumulative:
        raise CatalogueError(f"{series}: only ever rises until a restart; put it into rate() or increase().")
    offset = f" offset {checked(before)}" if before else ""
    return Vector(f"{series}{offset}", series.labels)


def sum_by(vector: Vector, *labels: str) -> Vector:
    """Add the series up to one for each combination of *labels*."""
    return _aggregated("sum", vector, labels)


def min_by(vector: Vector, *labels: str) -> Vector:
    """Keep the lowest value for each combination of *labels*."""
    return _aggregated("min", vector, labels)


def max_by(vector: Vector, *labels: str) -> Vector:
    """Keep the highest value for each combination of *labels*."""
    return _aggregated("max", vector, labels)


def count_by(vector: Vector, *labels: str) -> Vector:
    """Count the series for each combination of *labels*."""
    return _aggregated("count", vector, labels)


def divided(part: Vector, whole: Vector) -> Vector:
    """Divide series by series, or everything by one number; without traffic there is no result, not NaN."""
    if part.labels == whole.labels:
        matching = ""
    elif not whole.labels:
        matching = "on () group_left () "
    else:
        raise CatalogueError(
            f"{part} / {whole}: the left side has the labels {_listed(part.labels)}, "
            f"the right side {_listed(whole.labels)}; group both by the same."
        )
    return Vector(f"{operand(part)} / {matching}({operand(whole)} > 0)", part.labels, loose=True)


def ratio(part: Vector, whole: Vector, *labels: str) -> Vector:
    """Return the share of *part* in *whole*: 0 while *part* has no series, nothing without traffic."""
    everything = sum_by(whole, *labels)
    return divided(none_is_zero(sum_by(part, *labels), everything), everything)


def none_is_zero(part: Vector, whole: Vector) -> Vector:
    """Return *part*, and 0 for each series of *whole* that *part* lacks; both have the same labels."""
    return Vector(f"{operand(part)} or 0 * {operand(whole)}", part.labels, loose=True)


def quantile(q: float, series: Series, *labels: str, window: str = RATE_INTERVAL) -> Vector:
    """Estimate the *q*-quantile of a histogram from its buckets, for each combination of *labels*."""
    if series.part != "_bucket":
        raise CatalogueError(f"{series}: a quantile is estimated from buckets; select them with buckets().")
    if not 0 < q < 1:
        raise CatalogueError(f"{series}: the quantile is {q!r}, but must lie between 0 and 1.")
    inner = sum_by(rate(series, window), "le", *labels)
    # Buckets without traffic give NaN, which the comparison drops.
    return Vector(f"histogram_quantile({q}, {inner}) >= 0", frozenset(labels), loose=True)


def busiest(vector: Vector, series: Series, label: str, limit: int = 10) -> Vector:
    """Keep the *limit* values of *label* with the highest rate of *series* over the whole time range.

    Ranked once at its end: a plain ``topk`` chooses anew at every step, so lines would come and go.
    """
    refuse_foreign_labels(vector.text, vector.labels, (label,))
    over_range = _growth("rate", series, WHOLE_RANGE, modifier=" @ end()")
    ranking = f"topk({limit}, {sum_by(over_range, label)})"
    return Vector(f"{operand(vector)} and on ({label}) {ranking}", vector.labels, loose=True)


def joined(vector: Vector, info: Series, *labels: str) -> Vector:
    """Add *labels* of an info metric of the same target to each series of *vector*."""
    if info.spec.kind != "info":
        raise CatalogueError(
            f"{info}: labels are joined from an info metric, not from one of kind {info.spec.kind}."
        )
    refuse_foreign_labels(vector.text, vector.labels, TARGET)
    refuse_foreign_labels(str(info), info.labels, labels)
    matching = f"on ({', '.join(TARGET)}) group_left ({', '.join(labels)})"
    return Vector(f"{operand(vector)} * {matching} {info}", vector.labels | frozenset(labels), loose=True)


def where_present(vector: Vector, series: Series, window: str) -> Vector:
    """Keep what belongs to a target that has shown *series* within *window*."""
    refuse_foreign_labels(vector.text, vector.labels, TARGET)
    shown = f"present_over_time({series}[{checked(window)}])"
    return Vector(f"{operand(vector)} and on ({', '.join(TARGET)}) {shown}", vector.labels, loose=True)


def is_zero(vector: Vector) -> Vector:
    """Return 1 for each series that is 0, and 0 for each other."""
    return Vector(f"{operand(vector)} == bool 0", vector.labels, loose=True)


def scaled(factor: float, vector: Vector) -> Vector:
    """Multiply each value by *factor*."""
    return Vector(f"{factor:g} * {operand(vector)}", vector.labels, loose=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """How a label is made from another: what *pattern* takes from *source*, put into *replacement*."""

    source: str
    pattern: str
    label: str
    replacement: str


def rewritten(vector: Vector, rule: Rewrite) -> Vector:
    """Add the label that *rule* makes."""
    refuse_foreign_labels(vector.text, vector.labels, (rule.source,))
    words = f'"{rule.label}", "{rule.replacement}", "{rule.source}", "{rule.pattern}"'
    return Vector(f"label_replace({vector}, {words})", vector.labels | {rule.label})


def label_values(series: Series, label: str) -> str:
    """Return the query of a board variable that offers all values of *label*; Grafana's, not PromQL."""
    refuse_foreign_labels(str(series), series.labels, (label,))
    return f"label_values({series}, {label})"


def _growth(function: str, series: Series, window: str, modifier: str = "") -> Vector:
    if not series.cumulative:
        raise CatalogueError(
            f"{series}: {function}() is for counters, not for a metric of kind {series.spec.kind}; use now()."
        )
    return Vector(f"{function}({series}[{checked(window)}]{modifier})", series.labels)


def _aggregated(
    operation: Literal["sum", "min", "max", "count"], vector: Vector, labels: tuple[str, ...]
) -> Vector:
    refuse_foreign_labels(vector.text, vector.labels, labels)
    grouping = f" by ({', '.join(labels)}) " if labels else ""
    return Vector(f"{operation}{grouping}({vector})", frozenset(labels))


def checked(window: str) -> str:
    """Return *window*.

    Raises:
        CatalogueError: If it is none.
    """
    if not _WINDOW.fullmatch(window):
        raise CatalogueError(
            f"The window is {window!r}, but must be {RATE_INTERVAL}, {WHOLE_RANGE} or a duration like 5m."
        )
    return window


def refuse_foreign_labels(text: str, labels: frozenset[str], wanted: tuple[str, ...]) -> None:
    """Raise a CatalogueError if the expression *text*, which has *labels*, lacks one of those *wanted*."""
    if missing := [name for name in wanted if name not in labels]:
        raise CatalogueError(f"{text}: {'; '.join(no_such_label(name, labels) for name in missing)}.")


def operand(vector: Vector) -> str:
    """Return *vector* as it stands beside a binary operator."""
    return f"({vector})" if vector.loose else vector.text


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels)) or "none"
