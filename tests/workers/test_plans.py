"""Where series stand is remembered; what is put together by that is what each series by itself would be."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observekit.metrics.workers import layout
from observekit.metrics.workers.layout import Identity
from observekit.metrics.workers.merging import combine
from observekit.metrics.workers.plans import Plans, can_be_planned
from observekit.metrics.workers.reading import OtherFile
from observekit.metrics.workers.shapes import Labels, Shape
from observekit.metrics.workers.sieving import Sieve
from observekit.metrics.workers.snapshot import Page, Snapshot
from observekit.metrics.workers.writing import OwnFile
from tests.often import often

from .crew import DURATION, REQUESTS

BEGAN = Shape("began", "created", "When.", "", ("route",), (), "min")
SIZE = Shape("size", "summary", "Size.", "", ("route",), (), "sum")
SHAPES = [REQUESTS, DURATION, BEGAN, SIZE]

numbers = st.one_of(
    st.integers(0, 2**40).map(float), st.floats(0, 1e300), st.sampled_from([math.inf, 0.1, 1e308])
)


def _page(series: dict[tuple[Shape, int], list[float]], before: Page | None) -> Page:
    """Return the page of a worker; tables in which nothing is new are those of *before*."""
    places: dict[Shape, dict[Labels, int]] = {}
    values: list[float] = []
    for (shape, number), record in series.items():
        places.setdefault(shape.identity, {})[(str(number),)] = len(values)
        values += record
    if before is not None:
        places = {
            one: before.places[one] if before.places.get(one) == found else found
            for one, found in places.items()
        }
    shapes = {shape.identity: shape for shape, _ in series}
    return Page(0, True, shapes, places, {}, values, [], {}, b"", Sieve())  # noqa: FBT003 -- as in the code


def _all(snapshot: Snapshot) -> dict[str, dict[Labels, list[float]]]:
    return {shape.name: snapshot.series(shape) for shape in snapshot.families()}


def _one_by_one(snapshot: Snapshot) -> dict[str, dict[Labels, list[float]]]:
    return {
        shape.name: {labels: combine(shape, columns) for labels, columns in snapshot.columns(shape)}
        for shape in snapshot.families()
    }


@pytest.mark.often
@settings(deadline=None, max_examples=often(60))
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(SHAPES), st.integers(0, 2), st.data()), max_size=40)
)
def test_what_a_plan_puts_together_is_what_each_series_is(
    steps: list[tuple[int, Shape, int, st.DataObject]],
) -> None:
    plans = Plans()
    crew: list[dict[tuple[Shape, int], list[float]]] = [{} for _ in range(4)]
    pages: list[Page | None] = [None] * 4

    for worker, shape, number, data in steps:
        crew[worker][shape, number] = data.draw(st.lists(numbers, min_size=shape.width, max_size=shape.width))
        pages = [_page(series, before) for series, before in zip(crew, pages, strict=True)]
        snapshot = Snapshot([page for page in pages if page is not None], plans=plans)

        assert repr(_all(snapshot)) == repr(_one_by_one(snapshot))


@pytest.mark.parametrize("shape", [SIZE, DURATION, REQUESTS])
def test_families_of_any_size_are_put_together_in_parts(shape: Shape) -> None:
    plans, number = Plans(), 1500
    first = _page({(shape, at): [1.0] * shape.width for at in range(number)}, None)
    second = _page({(shape, at): [2.0] * shape.width for at in reversed(range(0, number, 3))}, None)

    for _ in range(2):
        found = Snapshot([first, second], plans=plans).series(shape)

        assert list(found) == [(str(at),) for at in range(number)]
        assert [values[0] for values in found.values()] == [1.0 if at % 3 else 3.0 for at in range(number)]


def test_gauges_and_series_of_single_workers_are_not_planned() -> None:
    gauge = Shape("g", "gauge", "", "", (), (), "sum")

    assert [can_be_planned(shape) for shape in (gauge, REQUESTS._replace(merge="worker"), REQUESTS)] == [
        False,
        False,
        True,
    ]


def test_sums_of_a_plan_are_exact() -> None:
    pages = [_page({(REQUESTS, 1): [amount]}, None) for amount in (1e16, *[0.1] * 10, 1.0)]

    assert Snapshot(pages).series(REQUESTS) == {("1",): [10000000000000002.0]}


def test_a_new_series_changes_the_table_of_its_family_alone(tmp_path: Path) -> None:
    identity = Identity("f" * 16, 1, 1, 1, 0)
    own = OwnFile(str(tmp_path), identity, layout.LIVING)
    other = OtherFile(str(tmp_path), identity.stem, lambda _: None)
    for shape in (REQUESTS, DURATION):
        own.place(shape, ("/",))
    before = other.page(living=True, exemplars=False).places

    own.place(DURATION, ("/a",))
    own.place(DURATION, ("/b",))
    after = other.page(living=True, exemplars=False).places

    requests, duration = REQUESTS.identity, DURATION.identity
    assert after[requests] is before[requests]
    assert [list(places[duration]) for places in (before, after)] == [[("/",)], [("/",), ("/a",), ("/b",)]]
    other.close()
    own.close()
