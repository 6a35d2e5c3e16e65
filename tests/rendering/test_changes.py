"""Text that is kept is given again only while it is true, whatever happens to a metric between two pages."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from observekit.metrics.foreign import ClientMetrics
from observekit.metrics.text import Format
from tests.often import often

NAMES = st.sampled_from([str(number) for number in range(100)])


class Odd(float):
    """A number as numpy's are: a float that makes others such as itself, and writes itself in its own way."""

    def __repr__(self) -> str:
        return f"Odd({float(self)})"

    def __radd__(self, other: float) -> "Odd":
        return Odd(float(other) + float(self))


AMOUNTS = st.sampled_from([0.0, 1.0, 0.25, 1e9, Odd(0.5)])
TRACES = st.sampled_from([None, {"trace_id": "a"}, {"trace_id": "b"}])


class Page:
    """One metric of each kind, its page, and that of prometheus-client's renderer."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counter = Counter("done", "h", ["name"], registry=self.registry)
        self.gauge = Gauge("level", "h", ["name"], registry=self.registry)
        self.summary = Summary("size", "h", ["name"], registry=self.registry)
        self.histogram = Histogram("wait", "h", ["name"], buckets=(0.1, 1), registry=self.registry)
        self.metrics = (self.counter, self.gauge, self.summary, self.histogram)
        self.client = ClientMetrics()

    def text(self, form: Format) -> str:
        blocks = (block for metric in self.metrics for block in self.client.blocks(metric, form))
        return "".join([*blocks, "# EOF\n" if form == "openmetrics" else ""])

    def is_as_it_should_be(self) -> bool:
        return self.text("text").encode() == generate_latest(self.registry) and self.text(
            "openmetrics"
        ).encode() == generate_openmetrics(self.registry)


def counted(page: Page, name: str, amount: float, trace: dict[str, str] | None) -> None:
    page.counter.labels(name).inc(amount, trace)
    page.gauge.labels(name).set(amount)


def observed(page: Page, name: str, amount: float, trace: dict[str, str] | None) -> None:
    page.histogram.labels(name).observe(amount, trace)
    page.summary.labels(name).observe(amount)


def removed(page: Page, name: str, _: float, __: Any) -> None:
    for metric in page.metrics:
        metric.remove_by_labels({"name": name})


def made_again(page: Page, name: str, amount: float, trace: dict[str, str] | None) -> None:
    removed(page, name, amount, trace)
    counted(page, name, amount, trace)


def cleared(page: Page, _: str, __: float, ___: Any) -> None:
    for metric in page.metrics:
        metric.clear()


def reset(page: Page, name: str, _: float, __: Any) -> None:
    page.counter.labels(name).reset()


def given_a_function(page: Page, name: str, amount: float, _: Any) -> None:
    page.gauge.labels(name).set_function(lambda: amount)


CHANGES = st.sampled_from([counted, observed, removed, made_again, cleared, reset, given_a_function])


@pytest.mark.often
@settings(max_examples=often(60), deadline=None)
@given(st.lists(st.tuples(CHANGES, NAMES, AMOUNTS, TRACES), min_size=1, max_size=30), st.integers(0, 70))
def test_a_page_is_that_of_now_after_any_changes(
    changes: list[tuple[Callable[..., None], str, float, Any]], there: int
) -> None:
    page = Page()
    for number in range(there):
        counted(page, str(number), 1.0, None)
        observed(page, str(number), 1.0, None)

    for change, name, amount, trace in changes:
        change(page, name, amount, trace)
        assert page.is_as_it_should_be()


@pytest.mark.parametrize("form", ["text", "openmetrics"])
def test_what_stands_still_is_not_made_again(form: Format) -> None:
    page = Page()
    for number in range(100):
        counted(page, str(number), 1.0, None)
    before = list(page.client.blocks(page.counter, form))

    page.counter.labels("70").inc()
    after = list(page.client.blocks(page.counter, form))

    same = [old is new for old, new in zip(before, after, strict=True) if len(old) > 100]
    assert 0 < same.count(False) <= 2  # Its values, and its times of creation.
    assert same.count(True) > 1


def test_neither_a_metric_nor_its_children_are_kept_alive() -> None:
    page = Page()
    plain = Gauge("plain", "h", registry=None)
    counted(page, "one", 1.0, None)
    list(page.client.blocks(plain, "text"))
    list(page.client.blocks(page.counter, "text"))
    gone: list[Callable[[], object]] = [weakref.ref(plain), weakref.ref(page.counter.labels("one"))]

    del plain
    page.counter.clear()
    list(page.client.blocks(page.counter, "text"))
    gc.collect()

    assert [one() for one in gone] == [None, None]
