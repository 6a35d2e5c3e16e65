"""What our renderer writes is what prometheus-client's own renderer writes, to the byte."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
    disable_created_metrics,
    enable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeHistogramMetricFamily, UntypedMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from observekit.catalogue.metrics import ACTIVE_REQUESTS, REQUEST_DURATION
from observekit.metrics.foreign import ClientMetrics, family_blocks, is_known
from observekit.metrics.own import histograms, single_values
from observekit.metrics.store import Store
from observekit.metrics.text import Format

# Any text that can stand on a page: lone surrogates cannot be encoded at all.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.floats(allow_nan=False)


def page(registry: CollectorRegistry, form: Format, known: ClientMetrics) -> bytes:
    blocks: list[str] = []
    for collector in list(registry._collector_to_names):
        if is_known(collector):
            blocks.extend(known.blocks(collector, form))
        else:
            for family in collector.collect():
                blocks.extend(family_blocks(family, form))
    return "".join([*blocks, "# EOF\n" if form == "openmetrics" else ""]).encode()


def assert_equal_pages(registry: CollectorRegistry) -> None:
    known = ClientMetrics()
    for _ in range(2):  # The second page is made from kept text.
        assert page(registry, "text", known) == generate_latest(registry)
        assert page(registry, "openmetrics", known) == generate_openmetrics(registry)


@pytest.fixture(params=["with _created", "without _created"])
def created(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "without _created":
        disable_created_metrics()
    yield
    enable_created_metrics()


@pytest.mark.usefixtures("created")
def test_every_metric_type_is_written_as_by_the_client() -> None:
    registry = CollectorRegistry()
    counter = Counter("requests", 'he"lp\n\\x', ["a", "b"], registry=registry)
    counter.labels('x"y\n', "\\").inc(5, exemplar={"trace_id": "abc", "odd": 'q"'})
    counter.labels("z", "é").inc(12345678)
    Counter("plain", "h", registry=registry).inc()
    Gauge("level", "h", ["l"], registry=registry).labels("1").set(-1e9)
    Gauge("function", "h", registry=registry).set_function(lambda: 4)
    summary = Summary("size", "h", ["x"], unit="bytes", registry=registry)
    summary.labels("1").observe(3)
    histogram = Histogram("wait", "h", ["p"], registry=registry)
    for number in range(3):
        histogram.labels(str(number)).observe(number, exemplar={"trace_id": f"t{number}"})
    Histogram("below", "h", buckets=(-1, 0, 1), registry=registry).observe(0.5)
    Info("build", "h", registry=registry).info({"version": "1"})
    Enum("state", "h", ["q"], states=["a", "b"], registry=registry).labels("1").state("b")

    assert_equal_pages(registry)


def test_families_of_any_collector_are_written_as_by_the_client() -> None:
    class Collector:
        def collect(self) -> Iterator[Metric]:
            yield UntypedMetricFamily("odd", "h", value=3)
            family = GaugeHistogramMetricFamily("waiting", "h", labels=["q"])
            family.add_metric(["1"], buckets=[("1.0", 2), ("+Inf", 3)], gsum_value=4)
            yield family
            stamped = Metric("stamped", "h", "gauge")
            stamped.add_sample("stamped", {"a": "b"}, 1.5, timestamp=1234.5)
            yield stamped

    registry = CollectorRegistry()
    registry.register(Collector())

    assert_equal_pages(registry)


def test_a_child_that_is_removed_and_made_again_keeps_no_old_text() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("level", "h", ["l"], registry=registry)
    known = ClientMetrics()
    gauge.labels("1").set(1)
    page(registry, "text", known)

    gauge.remove("1")
    gauge.labels("2").set(2)

    assert page(registry, "text", known) == generate_latest(registry)


@pytest.mark.usefixtures("created")
@pytest.mark.parametrize("count", [15, 16, 17, 100])
def test_lines_that_are_written_together_are_those_of_the_client(count: int) -> None:
    registry = CollectorRegistry()
    counter = Counter("requests", "h", ["n"], registry=registry)
    gauge = Gauge("level", "h", ["n"], registry=registry)
    for number in range(count):
        counter.labels(str(number)).inc(number, exemplar={"trace_id": "abc"} if number % 3 else None)
        gauge.labels(str(number)).set(-number)

    assert_equal_pages(registry)


def test_the_text_of_removed_children_is_forgotten() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("level", "h", ["l"], registry=registry)
    known = ClientMetrics()
    for number in range(100):
        gauge.labels(str(number)).set(1)
    page(registry, "text", known)

    gauge.clear()
    gauge.labels("left").set(1)
    page(registry, "text", known)

    assert list(known._kept[gauge]._heads) == [("left",)]


def test_a_subclass_of_a_client_metric_is_asked_by_its_own_collect() -> None:
    class Doubled(Gauge):
        def collect(self) -> list[Metric]:
            metric = Metric(self._name, "h", "gauge")
            metric.add_sample(self._name, {}, 2 * self._value.get())
            return [metric]

    registry = CollectorRegistry()
    Doubled("level", "h", registry=registry).set(2)

    assert b"level 4.0\n" in page(registry, "text", ClientMetrics())


@given(value=NUMBERS, label=TEXTS, told=TEXTS)
def test_any_number_label_and_help_is_written_as_by_the_client(value: float, label: str, told: str) -> None:
    registry = CollectorRegistry()

    Gauge("level", told, ["l"], registry=registry).labels(label).set(value)

    assert_equal_pages(registry)


@given(
    observations=st.lists(
        st.tuples(st.floats(0, 1e12), st.sampled_from(["GET", "POST"]), TEXTS), max_size=20
    ),
    many=st.integers(0, 2_000_000),
)
def test_our_own_histograms_are_written_as_by_the_client(
    observations: list[tuple[float, str, str]], many: int
) -> None:
    store = Store(1000)
    family = store.histogram(REQUEST_DURATION)
    for value, method, route in observations:
        family.cell(method, route, "200").observe(value, ("ab" * 16, "cd" * 8) if value > 1 else None)
    for _, cell in family.series():
        cell.counts[0] += many
    registry = CollectorRegistry()
    registry.register(store)
    blocks = histograms(REQUEST_DURATION, family)

    for _ in range(2):  # The second time from kept text.
        assert "".join(blocks("text")).encode() in generate_latest(registry)
        assert "".join(blocks("openmetrics")).encode() in generate_openmetrics(registry)


@given(values=st.dictionaries(st.sampled_from(["GET", "PUT", "_OTHER"]), NUMBERS))
def test_our_own_gauges_are_written_as_by_the_client(values: dict[str, float]) -> None:
    store = Store(1000)
    family = store.gauge(ACTIVE_REQUESTS)
    for method, value in values.items():
        family.cell(method).set(value)
    registry = CollectorRegistry()
    registry.register(store)

    written = "".join(single_values(ACTIVE_REQUESTS, family)("text"))

    assert written.encode() in generate_latest(registry)
