"""Objectives from documents in a subset of OpenSLO v1; everything that is wrong with one is told at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from observekit.dashboards.rules.durations import DAY, seconds_of
from observekit.dashboards.rules.objective import (
    MINIMUM_BAD_EVENTS,
    MINIMUM_BAD_SLICES,
    Indicator,
    Objective,
    Slices,
)
from observekit.dashboards.rules.selecting import selected, under_bound
from observekit.dashboards.series import Matcher, Series
from observekit.errors import CatalogueError, ConfigError

VERSION: Final = "openslo/v1"
MINIMUM: Final = "observekit/minimum-bad"
"""The annotation that says how many events, or slices, have to be bad before an alert fires."""

_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"apiVersion", "kind", "metadata", "spec"}),
    "metadata": frozenset({"name", "displayName", "labels", "annotations"}),
    "spec": frozenset({"description", "service", "indicator", "timeWindow", "budgetingMethod", "objectives"}),
    "indicator": frozenset({"metadata", "spec"}),
    "indicator.spec": frozenset({"description", "ratioMetric", "thresholdMetric"}),
    "ratioMetric": frozenset({"counter", "good", "bad", "total"}),
    "objectives": frozenset(
        {"displayName", "target", "targetPercent", "op", "value", "timeSliceTarget", "timeSliceWindow"}
    ),
}


@dataclass
class _Reading:
    """One document, and what was found wrong with it so far."""

    problems: list[str] = field(default_factory=list)

    def mapping(self, value: object, where: str) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self.problems.append(f"{where or 'the document'} must be a mapping.")
            return {}
        known = _KEYS.get(where)
        for key in sorted(str(key) for key in value if known is not None and key not in known):
            self.problems.append(f"{where + '.' if where else ''}{key} is not read; leave it out.")
        return value

    def first(self, value: object, where: str) -> Mapping[str, object]:
        """Return the only entry of a list."""
        if isinstance(value, list) and len(value) == 1:
            return self.mapping(value[0], where)
        self.problems.append(f"{where} must be a list of one entry.")
        return {}

    def text(self, value: object, where: str) -> str:
        if isinstance(value, str) and value:
            return value
        self.problems.append(f"{where} must be a text.")
        return ""

    def share(self, value: object, where: str, *, percent: bool = False) -> Decimal:
        try:
            # The text of a number is what was written; its binary value is not.
            found = Decimal(str(value)) / (100 if percent else 1)
        except InvalidOperation:
            found = Decimal("nan")
        if found.is_finite():
            return found
        self.problems.append(f"{where} is {value!r}, but must be a number like 0.999.")
        return Decimal("0.5")

    def series(self, value: object, where: str) -> Series | None:
        source = self.mapping(self.mapping(value, where).get("metricSource"), f"{where}.metricSource")
        spec = self.mapping(source.get("spec"), f"{where}.metricSource.spec")
        query = self.text(spec.get("query"), f"{where}.metricSource.spec.query")
        if str(source.get("type", "")).lower() != "prometheus":
            self.problems.append(f"{where}.metricSource.type must be Prometheus.")
        try:
            return selected(query) if query else None
        except CatalogueError as error:
            self.problems.append(f"{where}: {error}")
            return None


def objectives(document: object) -> tuple[Objective, ...]:
    """Read the objectives of one document of kind SLO.

    Raises:
        ConfigError: If it is not in the subset that is read, or says what cannot be.
    """
    reading = _Reading()
    found = tuple(_objectives(reading, reading.mapping(document, "")))
    if reading.problems:
        raise ConfigError(" ".join(reading.problems))
    return found


def _objectives(reading: _Reading, document: Mapping[str, object]) -> Iterator[Objective]:
    if document.get("apiVersion") != VERSION or document.get("kind") != "SLO":
        reading.problems.append(f"apiVersion must be {VERSION} and kind SLO.")
        return
    metadata = reading.mapping(document.get("metadata"), "metadata")
    spec = reading.mapping(document.get("spec"), "spec")
    name = reading.text(metadata.get("name"), "metadata.name")
    if name and not all(part.isalnum() for part in name.split("-")):
        reading.problems.append(f"metadata.name is {name!r}, but must be letters and digits with - between.")
    entries = spec.get("objectives")
    if not isinstance(entries, list) or not entries:
        reading.problems.append("spec.objectives must be a list.")
        return
    for number, entry in enumerate(entries, 1):
        wanted = reading.mapping(entry, "objectives")
        own = name if len(entries) == 1 else f"{name}-{number}"
        if (made := _objective(reading, own, metadata, spec, wanted)) is not None:
            yield made


def _objective(
    reading: _Reading,
    name: str,
    metadata: Mapping[str, object],
    spec: Mapping[str, object],
    wanted: Mapping[str, object],
) -> Objective | None:
    indicator = _indicator(reading, spec, wanted)
    period = _period(reading, spec)
    slices = _slices(reading, spec, wanted)
    target = _target(reading, wanted)
    labels = {
        str(key): reading.text(value, f"metadata.labels.{key}")
        for key, value in reading.mapping(metadata.get("labels", {}), "metadata.labels").items()
    }
    minimum = _minimum(reading, metadata, slices)
    if reading.problems or indicator is None:
        return None
    try:
        return Objective(
            name=name,
            description=str(spec.get("description", name)).rstrip(".") + ".",
            target=target,
            indicator=indicator,
            period_days=period,
            slices=slices,
            minimum_bad=minimum,
            labels=labels,
        )
    except ConfigError as error:
        reading.problems.append(str(error))
        return None


def _target(reading: _Reading, wanted: Mapping[str, object]) -> Decimal:
    if "targetPercent" in wanted:
        return reading.share(wanted["targetPercent"], "objectives.targetPercent", percent=True)
    return reading.share(wanted.get("target"), "objectives.target")


def _minimum(reading: _Reading, metadata: Mapping[str, object], slices: Slices | None) -> int:
    annotations = reading.mapping(metadata.get("annotations", {}), "metadata.annotations")
    given = str(annotations.get(MINIMUM, MINIMUM_BAD_SLICES if slices else MINIMUM_BAD_EVENTS))
    if given.isdecimal():
        return int(given)
    reading.problems.append(f"metadata.annotations.{MINIMUM} is {given!r}, but must be a whole number.")
    return 1


def _period(reading: _Reading, spec: Mapping[str, object]) -> int:
    window = reading.first(spec.get("timeWindow"), "spec.timeWindow")
    written = str(window.get("duration", ""))
    seconds = seconds_of(written) or 0
    if window.get("isRolling", True) is not True or seconds < DAY or seconds % DAY:
        reading.problems.append(f"spec.timeWindow is {written!r}, but must be rolling, 28d, 4w or 30d.")
        return 30
    return seconds // DAY


def _slices(reading: _Reading, spec: Mapping[str, object], wanted: Mapping[str, object]) -> Slices | None:
    method = spec.get("budgetingMethod", "Occurrences")
    if method == "Occurrences":
        return None
    if method != "Timeslices":
        reading.problems.append(f"spec.budgetingMethod is {method!r}, but must be Occurrences or Timeslices.")
        return None
    return Slices(
        seconds=seconds_of(str(wanted.get("timeSliceWindow", ""))) or 0,
        target=reading.share(wanted.get("timeSliceTarget"), "objectives.timeSliceTarget"),
    )


def _indicator(
    reading: _Reading, spec: Mapping[str, object], wanted: Mapping[str, object]
) -> Indicator | None:
    inner = reading.mapping(spec.get("indicator"), "indicator")
    metrics = reading.mapping(inner.get("spec"), "indicator.spec")
    job = (Matcher("job", "=", str(spec["service"])),) if spec.get("service") else ()
    if "thresholdMetric" in metrics:
        return _threshold(reading, metrics["thresholdMetric"], wanted, job)
    ratio = reading.mapping(metrics.get("ratioMetric"), "ratioMetric")
    if ratio.get("counter") is not True or ("good" in ratio) == ("bad" in ratio):
        reading.problems.append("ratioMetric must have counter: true, total, and either good or bad.")
        return None
    part = "good" if "good" in ratio else "bad"
    total = reading.series(ratio.get("total"), "ratioMetric.total")
    some = reading.series(ratio[part], f"ratioMetric.{part}")
    if total is None or some is None:
        return None
    return Indicator(total=_with(total, job), **{part: _with(some, job)})


def _threshold(
    reading: _Reading, metric: object, wanted: Mapping[str, object], job: tuple[Matcher, ...]
) -> Indicator | None:
    series = reading.series(metric, "thresholdMetric")
    if wanted.get("op") != "lte":
        reading.problems.append("objectives.op must be lte: good is what is at most the value.")
    bound = float(reading.share(wanted.get("value"), "objectives.value"))
    if series is None:
        return None
    try:
        total, good = under_bound(_with(series, job), bound)
    except CatalogueError as error:
        reading.problems.append(f"objectives.value: {error}")
        return None
    return Indicator(total=total, good=good)


def _with(series: Series, job: tuple[Matcher, ...]) -> Series:
    return Series(series.spec, series.part, (*job, *series.matchers))
