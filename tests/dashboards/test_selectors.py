"""Selectors: what the catalogue says cannot match is refused when the boards are made."""

import pytest

from observekit.catalogue import MetricSpec
from observekit.dashboards.series import Matcher, buckets, counts, samples, sums, under
from observekit.errors import CatalogueError

_WAITS = MetricSpec(
    name="wait_seconds",
    kind="histogram",
    unit="seconds",
    help="Time spent waiting.",
    labels=("queue", "outcome"),
    buckets=(0.25, 1.0, 10.0),
    values={"outcome": ("done", "lost")},
)
_DEPTH = MetricSpec(name="queue_depth", kind="gauge", help="Jobs that wait.", labels=("queue",))


def test_a_selector_reads_as_prometheus_writes_it() -> None:
    chosen = (Matcher("queue", "=~", "$queue"), Matcher("outcome", "!=", "lost"))

    written = [
        str(series) for series in (counts(_WAITS, *chosen), sums(_WAITS), buckets(_WAITS), samples(_DEPTH))
    ]

    assert written == [
        'wait_seconds_count{queue=~"$queue",outcome!="lost"}',
        "wait_seconds_sum",
        "wait_seconds_bucket",
        "queue_depth",
    ]


def test_quotes_and_backslashes_in_a_value_are_escaped() -> None:
    series = samples(_DEPTH, Matcher("queue", "=~", 'a\\d"b'))

    assert str(series) == 'queue_depth{queue=~"a\\\\d\\"b"}'


def test_a_whole_bound_is_asked_for_in_both_spellings() -> None:
    written = [str(under(bound, _WAITS)) for bound in (0.25, 1, 10.0)]

    assert written == [
        'wait_seconds_bucket{le="0.25"}',
        'wait_seconds_bucket{le=~"1|1.0"}',
        'wait_seconds_bucket{le=~"10|10.0"}',
    ]


def test_a_bound_that_is_no_bucket_is_refused() -> None:
    with pytest.raises(CatalogueError) as told:
        under(0.3, _WAITS)

    assert str(told.value) == (
        'wait_seconds_bucket{le="0.3"}: 0.3 is not a bucket of the histogram, which has 0.25, 1, 10.'
    )


def test_everything_that_is_wrong_with_a_selector_is_told_at_once() -> None:
    with pytest.raises(CatalogueError) as told:
        counts(_WAITS, Matcher("route", "=", "/"), Matcher("le", "=", "1.0"), Matcher("outcome", "=", "late"))

    known = "cluster, instance, job, namespace, outcome, queue"
    assert str(told.value) == (
        'wait_seconds_count{route="/",le="1.0",outcome="late"}: '
        f"'route' is not a label here; there are {known}; "
        f"'le' is not a label here; there are {known}; "
        'outcome="late" matches none of the values of the label: done, lost.'
    )


def test_a_pattern_that_no_known_value_fits_is_refused() -> None:
    with pytest.raises(CatalogueError) as told:
        counts(_WAITS, Matcher("outcome", "=~", "l.t"))

    assert str(told.value) == (
        'wait_seconds_count{outcome=~"l.t"}: '
        'outcome=~"l.t" matches none of the values of the label: done, lost.'
    )


def test_a_histogram_is_not_read_as_if_it_had_a_value() -> None:
    with pytest.raises(CatalogueError) as told:
        samples(_WAITS)

    assert str(told.value) == "wait_seconds: a histogram is read through its buckets, counts or sums."


def test_a_gauge_has_no_buckets() -> None:
    with pytest.raises(CatalogueError) as told:
        buckets(_DEPTH)

    assert str(told.value) == (
        "queue_depth_bucket: only a histogram has buckets, counts and sums, and this metric is of kind gauge."
    )
