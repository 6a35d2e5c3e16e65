"""Which series are left out is what it would be if each of them were looked at."""

import math
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.metrics.workers.keys import Places
from observekit.metrics.workers.shapes import ABSENT, Shape, Values, is_absent
from observekit.metrics.workers.sieving import Sieve, suspects

from .crew import DURATION, REQUESTS, gauge

DEPTH = gauge("live_sum")
SHAPES = [REQUESTS, DURATION, DEPTH]
numbers = st.sampled_from([0.0, 1.0, 2.5, -1.0, -0.0, math.nan, math.inf, -math.inf, ABSENT, 1e308])
series = st.lists(st.tuples(st.sampled_from(SHAPES), st.lists(numbers, min_size=4, max_size=4)), max_size=12)


def _looked_at(places: Places, values: Values) -> tuple[Places, int]:
    """Return what is left, series by series, and how many cannot be."""
    left: Places = {shape: {} for shape in places}
    broken = 0
    for shape, found in places.items():
        for labels, start in found.items():
            one = values[start : start + shape.width]
            counts = one[: shape.counts]
            if is_absent(one[0]):
                continue
            if shape.kind == "counter":
                cannot_be = one[0] < 0
            else:
                cannot_be = any(not math.isfinite(value) or value < 0 for value in counts)
            broken += cannot_be
            if not cannot_be:
                left[shape][labels] = start
    return left, broken


@settings(deadline=None, max_examples=60)
@given(st.lists(series, min_size=1, max_size=5))
def test_what_is_left_is_what_a_look_at_each_would_leave(rounds: list[list[tuple[Shape, Values]]]) -> None:
    sieve, values = Sieve(), Values()
    places: Places = {}
    for added in rounds:
        places = {shape: dict(found) for shape, found in places.items()}
        for shape, one in added:
            places.setdefault(shape.identity, {})[(str(len(values)),)] = len(values)
            values += one[: shape.width]
        values = values[-3:] + values[3:] if len(values) > 6 else values  # Some change.

        odd = suspects(array("d", values).tobytes())
        left, minus, skipped = sieve.sift(places, {}, values, odd)

        assert (left, skipped) == _looked_at(places, values)
        assert minus == {}


def test_what_cannot_be_taken_away_is_left_out_and_counted() -> None:
    values = [5.0, -2.0, math.nan]
    minus: Places = {REQUESTS: {("/",): 1}}

    left = Sieve().sift({REQUESTS: {("/",): 0}}, minus, values, [1, 2])

    assert left == ({REQUESTS: {("/",): 0}}, {REQUESTS: {}}, 1)


def test_tables_that_nothing_is_missing_from_stay_the_same_objects() -> None:
    """Whoever has a plan for a table keeps it, also while a gauge is below zero or a series has gone."""
    sieve, values = Sieve(), [-1.0, 0.0, ABSENT, 3.0]
    places: Places = {DEPTH: {(): 0}, REQUESTS: {("gone",): 2, ("there",): 3}}

    first, second = (sieve.sift(places, {}, values, [0, 2])[0] for _ in range(2))

    assert first[DEPTH] is places[DEPTH]
    assert first[REQUESTS] == {("there",): 3}
    assert second[REQUESTS] is first[REQUESTS]
