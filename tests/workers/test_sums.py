"""Sums of any numbers are the same whoever adds up, in whichever order, and however many have been folded."""

from itertools import count
from math import fsum
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from observekit.metrics.workers.dead import NOBODY, Dead, add, decode
from observekit.metrics.workers.shapes import Labels, Shape, Values
from observekit.metrics.workers.sieving import Sieve
from observekit.metrics.workers.snapshot import Page, Snapshot

from .crew import DURATION

COST = Shape("cost_total", "counter", "Cost.", "", ("route",), (), "sum")
ROUTE: Labels = ("/",)
# From a billionth of a billionth to billions: what is kept has 106 bits, twice those of a double.
AMOUNTS = st.lists(st.integers(0, 2**90).map(lambda steps: steps / 2**60), min_size=2, max_size=12)


def page(slot: int, amount: float) -> Page:
    """Return what a worker has that has spent *amount*, and observed it as a duration."""
    shapes = {shape.identity: shape for shape in (COST, DURATION)}
    places = {COST.identity: {ROUTE: 0}, DURATION.identity: {ROUTE: 1}}
    values = [amount, 0.0, 0.0, 1.0, amount]
    return Page(
        slot,
        living=True,
        shapes=shapes,
        places=places,
        minus={},
        values=values,
        odd=[],
        marks={},
        exemplars=b"",
        sieve=Sieve(),
    )


def said(dead: Dead, living: list[Page]) -> tuple[Values, Values]:
    snapshot = Snapshot([dead.page, *living])
    return snapshot.series(COST)[ROUTE], snapshot.series(DURATION)[ROUTE]


@given(AMOUNTS, st.randoms())
def test_folding_in_any_order_changes_no_sum(amounts: list[float], random: Random) -> None:
    living = [page(slot, amount) for slot, amount in enumerate(amounts)]
    wanted = [fsum(amounts)], [0.0, 0.0, float(len(amounts)), fsum(amounts)]
    dead, numbers = NOBODY, count()

    assert said(dead, living) == wanted
    while living:
        random.shuffle(living)
        dead = decode(add(dead, {str(next(numbers)): living.pop()}, ()))
        assert said(dead, living) == wanted


def test_what_is_too_large_to_be_exact_is_still_a_sum() -> None:
    living = [page(0, 1e308), page(1, 1e308)]

    assert said(NOBODY, living)[0] == [float("inf")]
    dead = decode(add(NOBODY, {"a": living[0], "b": living[1]}, ()))
    assert said(dead, [page(2, 1.0)])[0] == [float("inf")]
