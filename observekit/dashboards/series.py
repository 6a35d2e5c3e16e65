"""Selectors over catalogue entries: one that could never match a sample cannot be made."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from observekit.catalogue import MetricSpec
from observekit.errors import CatalogueError
from observekit.semconv import WORKER

Operator = Literal["=", "!=", "=~", "!~"]
Part = Literal["", "_bucket", "_count", "_sum"]

_WITH_EXPONENT: Final = 1_000_000

TARGET: Final = ("cluster", "namespace", "job", "instance")
"""Labels that Prometheus adds to every sample; together they tell one process from all others.

Grouping by one of them that is absent is harmless, so the same query serves one cluster and many.
"""

UP: Final = MetricSpec(
    name="up", kind="gauge", help="1 while the target answers scrapes, 0 otherwise; written by Prometheus."
)
SCRAPE_SECONDS: Final = MetricSpec(
    name="scrape_duration_seconds",
    kind="gauge",
    unit="seconds",
    help="How long a scrape took, from the request to the last byte; written by Prometheus.",
)
SCRAPE_SAMPLES: Final = MetricSpec(
    name="scrape_samples_scraped",
    kind="gauge",
    help="How many samples the last page had; written by Prometheus.",
)
SCRAPE_SERIES_ADDED: Final = MetricSpec(
    name="scrape_series_added",
    kind="gauge",
    help="How many series of the last page were new; written by Prometheus.",
)
PROMETHEUS_OWN: Final = (UP, SCRAPE_SECONDS, SCRAPE_SAMPLES, SCRAPE_SERIES_ADDED)
"""What Prometheus writes about each target itself."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label, such as ``job=~"$job"``."""

    label: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.operator}"{escaped}"'


@dataclass(frozen=True, slots=True)
class Series:
    """The stored samples of one family, or of one part of a histogram, that pass all *matchers*.

    Raises:
        CatalogueError: If the catalogue says that nothing can match.
    """

    spec: MetricSpec
    part: Part
    matchers: tuple[Matcher, ...]

    def __post_init__(self) -> None:
        if told := "; ".join(_problems(self)):
            raise CatalogueError(f"{self}: {told}.")

    def __str__(self) -> str:
        within = ",".join(str(matcher) for matcher in self.matchers)
        return f"{self.spec.name}{self.part}{{{within}}}" if within else f"{self.spec.name}{self.part}"

    @property
    def labels(self) -> frozenset[str]:
        """All labels that a sample may carry."""
        own = (*self.spec.labels, "le") if self.part == "_bucket" else self.spec.labels
        per_worker = (WORKER,) if self.spec.across == "worker" else ()
        return frozenset((*own, *TARGET, *per_worker))

    @property
    def cumulative(self) -> bool:
        """Whether the value only ever rises until the process restarts."""
        return bool(self.part) or self.spec.kind == "counter"


def samples(spec: MetricSpec, *matchers: Matcher) -> Series:
    """Select a counter, gauge, info or stateset."""
    return Series(spec, "", matchers)


def counts(spec: MetricSpec, *matchers: Matcher) -> Series:
    """Select how many observations a histogram has seen."""
    return Series(spec, "_count", matchers)


def sums(spec: MetricSpec, *matchers: Matcher) -> Series:
    """Select the sum of all observations of a histogram."""
    return Series(spec, "_sum", matchers)


def buckets(spec: MetricSpec, *matchers: Matcher) -> Series:
    """Select all buckets of a histogram."""
    return Series(spec, "_bucket", matchers)


def under(bound: float, spec: MetricSpec, *matchers: Matcher) -> Series:
    """Select how many observations of a histogram were at most *bound*, which must be a declared bucket."""
    return buckets(spec, *matchers, bound_matcher(bound))


def bound_matcher(bound: float) -> Matcher:
    """Match the bucket of at most *bound*, however whoever wrote or stored it spells it."""
    first, *others = spellings(bound)
    if not others:
        return Matcher("le", "=", first)
    return Matcher("le", "=~", "|".join(each.replace("+", "\\+") for each in (first, *others)))


def spellings(bound: float) -> tuple[str, ...]:
    """Return how *bound* is written as the value of ``le``.

    Prometheus 2 stores what the client wrote: ``1.0`` from Python, ``1`` from Go and from collectors.
    Prometheus 3 always stores ``1.0``. From a million on most write ``1e+06``.
    """
    if bound == float("inf"):
        return ("+Inf",)
    if not float(bound).is_integer():
        return (repr(float(bound)),)
    whole = (f"{bound:.0f}", f"{bound:.1f}")
    if bound < _WITH_EXPONENT:
        return whole
    mantissa, exponent = f"{bound:.16e}".split("e+")
    short = mantissa.rstrip("0").rstrip(".")
    return (f"{short}e+{int(exponent):02}", *whole)


def _problems(series: Series) -> Iterator[str]:
    histogram = series.spec.kind == "histogram"
    if histogram and not series.part:
        yield "a histogram is read through its buckets, counts or sums"
    if series.part and not histogram:
        yield f"only a histogram has buckets, counts and sums, and this metric is of kind {series.spec.kind}"
    for matcher in series.matchers:
        if matcher.label not in series.labels:
            yield no_such_label(matcher.label, series.labels)
        elif matcher.label == "le":
            yield from _bound_problems(matcher, series.spec)
        elif not _possible(matcher, series.spec):
            known = ", ".join(series.spec.values[matcher.label])
            yield f"{matcher} matches none of the values of the label: {known}"


def _bound_problems(matcher: Matcher, spec: MetricSpec) -> Iterator[str]:
    written = {spelling for bound in spec.buckets for spelling in spellings(bound)}
    for bound in matcher.value.replace("\\+", "+").split("|"):
        if bound not in {*written, "+Inf"}:
            known = ", ".join(f"{bound:g}" for bound in spec.buckets)
            yield f"{bound} is not a bucket of the histogram, which has {known}"


def _possible(matcher: Matcher, spec: MetricSpec) -> bool:
    # What a board variable holds is known to Grafana alone.
    if matcher.label not in spec.values or matcher.value.startswith("$"):
        return True
    pattern = matcher.value if "~" in matcher.operator else re.escape(matcher.value)
    return any(re.fullmatch(pattern, value) for value in spec.values[matcher.label])


def no_such_label(name: str, labels: frozenset[str]) -> str:
    """Say that *name* is none of *labels*."""
    return f"{name!r} is not a label here; there are {', '.join(sorted(labels)) or 'none'}"
