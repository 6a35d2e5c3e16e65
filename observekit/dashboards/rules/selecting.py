"""Selectors as people write them, read against the catalogue."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from observekit.catalogue import METRICS, MetricSpec
from observekit.dashboards.series import (
    TARGET,
    Matcher,
    Operator,
    Part,
    Series,
    bound_matcher,
    counts,
    under,
)
from observekit.errors import CatalogueError

_SELECTOR: Final = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:{(.*)})?\s*", re.DOTALL)
_MATCHER: Final = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_OPERATORS: Final[dict[str, Operator]] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}
_PARTS: Final[tuple[Part, ...]] = ("_bucket", "_count", "_sum")
# How alike a name has to be to one of the catalogue to be taken for a slip.
_ALIKE: Final = 0.9


def selected(text: str) -> Series:
    """Read a selector such as ``jobs_total{queue="mail"}`` of a counter or histogram.

    Of metrics of the catalogue, labels and values have to exist there.

    Raises:
        CatalogueError: If it is none.
    """
    found = _SELECTOR.fullmatch(text)
    matchers = None if found is None else _matchers(found[2] or "")
    if found is None or matchers is None:
        raise CatalogueError(f'{text!r} must be the selector of a counter, like jobs_total{{queue="mail"}}.')
    spec, part = _known(found[1]) or _foreign(found[1], matchers)
    return Series(spec, part, tuple(_of_bucket(text, matchers)) if part == "_bucket" else matchers)


def _of_bucket(text: str, matchers: tuple[Matcher, ...]) -> Iterator[Matcher]:
    """Yield *matchers*, with every spelling of the one bound that has to be among them."""
    bounds = {float(each) for matcher in matchers for each in _bounds(matcher)}
    others = [each for each in matchers if each.label != "le"]
    if len(bounds) != 1 or len(matchers) != len(others) + 1:
        raise CatalogueError(
            f'{text}: each event is in several buckets; name one of them, like le="0.5", or count by _count.'
        )
    yield from others
    yield bound_matcher(bounds.pop())


def _bounds(matcher: Matcher) -> Iterator[str]:
    if matcher.label == "le" and matcher.operator in {"=", "=~"}:
        written = matcher.value.replace("\\+", "+").split("|")
        yield from (each for each in written if _number(each))


def under_bound(series: Series, bound: float) -> tuple[Series, Series]:
    """Return all observations of a histogram, and those of at most *bound*.

    Raises:
        CatalogueError: If *bound* is none of its buckets; names the nearest ones.
    """
    spec = series.spec
    if spec.name not in METRICS or spec.kind != "histogram":
        raise CatalogueError(
            f"{spec.name}: the buckets are known of histograms of the catalogue only; for others use a "
            'ratioMetric with good as their _bucket{le="…"}.'
        )
    if bound not in spec.buckets:
        below = [f"{each:g}" for each in spec.buckets if each < bound][-1:]
        above = [f"{each:g}" for each in spec.buckets if each > bound][:1]
        nearest = below + above or [f"{each:g}" for each in spec.buckets]
        are = "are" if len(nearest) > 1 else "is"
        raise CatalogueError(
            f"{bound:g} is no bucket of {spec.name}, so nobody has counted what is below it; the nearest "
            f"{are} {' and '.join(nearest)}."
        )
    return counts(spec, *series.matchers), under(bound, spec, *series.matchers)


def _matchers(text: str) -> tuple[Matcher, ...] | None:
    matchers, place = [], 0
    while place < len(text) and text[place:].strip():
        found = _MATCHER.match(text, place)
        if found is None:
            return None
        value = found[3].replace('\\"', '"').replace("\\\\", "\\")
        matchers.append(Matcher(found[1], _OPERATORS[found[2]], value))
        place = found.end()
    return tuple(matchers)


def _known(name: str) -> tuple[MetricSpec, Part] | None:
    if spec := METRICS.get(name):
        # A histogram as a whole stands for its counts.
        return (spec, "_count") if spec.kind == "histogram" else (spec, "")
    for part in _PARTS:
        spec = METRICS.get(name.removesuffix(part))
        if spec and spec.kind == "histogram" and name.endswith(part):
            return spec, part
    if nearest := get_close_matches(name, METRICS, 1, _ALIKE):
        raise CatalogueError(f"{name} is no metric of the catalogue; did you mean {nearest[0]}?")
    return None


def _foreign(name: str, matchers: tuple[Matcher, ...]) -> tuple[MetricSpec, Part]:
    labels = tuple(dict.fromkeys(each.label for each in matchers if each.label not in {*TARGET, "le"}))
    about = "A metric of the service itself."
    for part in _PARTS:
        if name.endswith(part):
            bounds = {float(bound) for each in matchers for bound in _bounds(each)} - {float("inf")}
            family = name.removesuffix(part)
            buckets = tuple(sorted(bounds)) or (1.0,)
            return MetricSpec(name=family, kind="histogram", help=about, labels=labels, buckets=buckets), part
    if not name.endswith("_total"):
        raise CatalogueError(f"{name}: events are counted by a counter, whose name ends in _total or _count.")
    return MetricSpec(name=name, kind="counter", help=about, labels=labels), ""


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
