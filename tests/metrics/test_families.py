"""A family never has more series than its limit and a few, and loses no event to that."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from observekit.catalogue import METRICS, MetricSpec
from observekit.metrics.cells import CounterCell
from observekit.metrics.family import VALUE_LENGTH, Family, cleaned
from observekit.metrics.store import Store

LIMIT = 50
MOST = LIMIT + 64 + 1
"""Series at the limit, overflow series that combine with known values, and the one that takes the rest."""

SPEC = MetricSpec(name="jobs_total", kind="counter", help="Jobs.", labels=("queue", "kind", "status"))
ONE_LABEL = MetricSpec(name="visits_total", kind="counter", help="Visits.", labels=("path",))


def _family(
    spec: MetricSpec, limit: int = LIMIT, told: Callable[[str, str], None] = lambda *_: None
) -> Family[CounterCell]:
    return Family(spec, CounterCell, limit, told)


def _total(family: Family[CounterCell]) -> float:
    return sum(cell.value for _, cell in family.series())


def test_fifty_thousand_random_values_make_one_overflow_series() -> None:
    told: Counter[tuple[str, str]] = Counter()
    family = _family(ONE_LABEL, told=lambda *where: told.update([where]))
    random = Random(1)  # noqa: S311 -- the same values in every run

    for _ in range(50_000):
        family.cell(random.randbytes(8).hex()).add()

    series = dict(family.series())
    assert len(series) == LIMIT + 1
    assert series["_overflow",].value == 50_000 - LIMIT
    assert told == {("visits_total", "path"): 50_000 - LIMIT}
    assert _total(family) == 50_000


def test_fifty_thousand_random_combinations_stay_bounded_too() -> None:
    family = _family(SPEC)
    random = Random(2)  # noqa: S311 -- the same values in every run

    for _ in range(50_000):
        family.cell(random.randbytes(8).hex(), random.choice("abc"), str(random.randrange(1000))).add()

    assert len(list(family.series())) <= MOST
    assert _total(family) == 50_000


@given(
    st.lists(
        st.tuples(*[st.integers(0, 12).map(str) | st.just("_overflow") | st.text(max_size=3)] * 3),
        max_size=300,
    )
)
def test_whatever_comes_the_sum_over_all_series_is_the_number_of_events(
    events: list[tuple[str, str, str]],
) -> None:
    family = _family(SPEC, limit=10)

    for event in events:
        family.cell(*event).add()

    assert _total(family) == len(events)
    assert len(list(family.series())) <= 10 + 64 + 1


@given(st.lists(st.tuples(*[st.sampled_from("abcdefg")] * 3), min_size=60, max_size=300))
def test_a_series_that_is_there_before_the_limit_keeps_its_events_to_itself(
    events: list[tuple[str, str, str]],
) -> None:
    family = _family(SPEC, limit=10)

    for event in events:
        family.cell(*event).add()

    first = list(dict.fromkeys(events))[:10]
    counted = dict(family.series())
    assert {key: counted[key].value for key in first} == {key: events.count(key) for key in first}


def test_only_what_is_new_overflows() -> None:
    family = _family(SPEC, limit=3)
    for queue, kind, status in (("mail", "a", "ok"), ("mail", "b", "ok"), ("sms", "a", "failed")):
        family.cell(queue, kind, status)

    family.cell("fax", "a", "ok").add()
    family.cell("mail", "c", "failed").add()

    assert {key for key, cell in family.series() if cell.value} == {
        ("_overflow", "a", "ok"),
        ("mail", "_overflow", "failed"),
    }


def test_where_only_the_combination_is_new_the_label_with_the_most_values_overflows() -> None:
    family = _family(SPEC, limit=3)
    for queue, kind, status in (("mail", "a", "ok"), ("sms", "b", "ok"), ("fax", "a", "failed")):
        family.cell(queue, kind, status)

    family.cell("sms", "a", "failed").add()

    assert {key for key, cell in family.series() if cell.value} == {("_overflow", "a", "failed")}


def test_the_smallest_limit_there_is_does_not_make_the_overflow_counter_count_itself() -> None:
    store = Store(10)
    specs = [
        MetricSpec(name=f"events_{place}_total", kind="counter", help="Events.", labels=("name",))
        for place in range(30)
    ]
    families = [store.counter(spec) for spec in specs]

    for family in families:
        for value in range(11):
            family.cell(str(value)).add()

    [overflow] = [one for one in store.collect() if one.name == "observekit_series_overflow"]
    assert {sample.labels["metric"]: sample.value for sample in overflow.samples} == {
        spec.name: 1.0 for spec in specs
    }


def test_rejected_samples_are_counted_by_metric() -> None:
    registry = CollectorRegistry()
    store = Store(10)
    registry.register(store)

    store.histogram(METRICS["http_server_time_to_first_byte_seconds"]).cell("/").observe(float("nan"))
    store.counter(METRICS["observekit_spans_total"]).cell("exported").add(-1)
    store.gauge(METRICS["observekit_scrape_duration_seconds"]).cell().set(float("inf"))

    assert {
        sample.labels["metric"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "observekit_samples_rejected_total"
    } == {
        "http_server_time_to_first_byte_seconds": 1.0,
        "observekit_spans_total": 1.0,
        "observekit_scrape_duration_seconds": 1.0,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/users/{id}", "/users/{id}"),
        ("grün", "grün"),
        ("a\ud800b", "a?b"),
        ("\udcff", "?"),
        ("a" * VALUE_LENGTH, "a" * VALUE_LENGTH),
        ("a" * 10_000_000, "a" * (VALUE_LENGTH - 1) + "…"),
        ("\ud800" * 300, "?" * (VALUE_LENGTH - 1) + "…"),
    ],
)
def test_a_label_value_becomes_short_and_encodable(value: str, expected: str) -> None:
    assert cleaned(value) == expected


@given(st.text(st.characters(), max_size=400))
def test_any_text_can_be_a_label_value(value: str) -> None:
    told = cleaned(value)

    assert len(told) <= VALUE_LENGTH
    assert told.encode().decode() == told


def test_two_texts_that_become_the_same_value_are_one_series() -> None:
    family = _family(ONE_LABEL)

    family.cell("/\ud800").add()
    family.cell("/\ud801").add()

    assert [(key, cell.value) for key, cell in family.series()] == [(("/?",), 2.0)]


@pytest.mark.parametrize(
    "spec", [spec for spec in METRICS.values() if spec.kind == "counter"], ids=lambda spec: spec.name
)
def test_a_counter_with_known_label_values_is_there_at_zero_and_no_other_is(spec: MetricSpec) -> None:
    family = _family(spec, limit=2000)

    there = {key: cell.value for key, cell in family.series()}

    closed = spec.values.keys() == set(spec.labels)
    assert set(there.values()) == ({0.0} if closed else set())
    assert {len(key) for key in there} == ({len(spec.labels)} if closed else set())
