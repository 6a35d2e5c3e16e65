"""The page can always be read, and what is wrong with one family costs no other."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from observekit.catalogue import METRICS
from observekit.metrics.cells import CounterCell, HistogramCell
from observekit.metrics.exposition import Exposition
from observekit.metrics.family import Family
from observekit.metrics.store import Store

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PARSERS: dict[str, Callable[[str], Iterable[Metric]]] = {
    "text/plain": parse_text,
    OPENMETRICS: parse_openmetrics,
}
TAKEN = "stock is on the page already, from another collector"
NO_NUMBER = "could not convert string to float: 'many'"
HOSTILE = ["\ud800", "\udcff\udcfe", "\0", "\r\n", "\n", '"', "\\", "\\n", "\u2028", "🙂", "{}", "a" * 10_000]


@dataclass
class Shown:
    """A page with what was told beside it."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def page(self, accept: str = "text/plain") -> str:
        exposition = Exposition(
            self.registry, lambda name, error: self.failed.append((name, str(error))), lambda _: None
        )
        return exposition.render(accept).body.decode()

    def samples(self, accept: str = "text/plain") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in PARSERS[accept](self.page(accept))
            for sample in family.samples
        }


@dataclass
class Custom:
    """A collector as users write them."""

    families: Sequence[Any] = ()
    error: BaseException | None = None

    __hash__ = object.__hash__

    def collect(self) -> Iterator[Metric]:
        yield from self.families
        if self.error is not None:
            raise self.error


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def requests(shown: Shown) -> Family[HistogramCell]:
    store = Store(100)
    family = store.histogram(METRICS["http_server_time_to_first_byte_seconds"])
    shown.registry.register(store)
    return family


@pytest.mark.parametrize("accept", PARSERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_label_of_ours_spoils_the_page(
    shown: Shown, requests: Family[HistogramCell], text: str, accept: str
) -> None:
    requests.cell(text).observe(0.3)

    samples = shown.samples(accept)

    assert [value for (name, _), value in samples.items() if name.endswith("_count")] == [1.0]
    assert shown.failed == []


@pytest.mark.parametrize("accept", PARSERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_label_of_a_users_metric_spoils_the_page_or_loses_the_metric(
    shown: Shown, text: str, accept: str
) -> None:
    Counter("orders", "Orders.", ["shop"], registry=shown.registry).labels(text).inc(3)
    Gauge("stock", "Stock.", registry=shown.registry).set(7)

    samples = shown.samples(accept)

    assert [value for (name, _), value in samples.items() if name == "orders_total"] == [3.0]
    assert samples["stock", ()] == 7.0
    assert shown.failed == []


def test_labels_that_cannot_be_encoded_stay_two_series(shown: Shown) -> None:
    orders = Counter("orders", "Orders.", ["shop"], registry=shown.registry)
    orders.labels("\ud800").inc(1)
    orders.labels("\ud801").inc(2)

    samples = shown.samples()

    assert samples["orders_total", (("shop", "\\ud800"),)] == 1.0
    assert samples["orders_total", (("shop", "\\ud801"),)] == 2.0


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=10), unique=True, max_size=5))
def test_both_formats_say_the_same_of_any_labels(texts: list[str]) -> None:
    shown = Shown()
    store = Store(100)
    aborted: Family[CounterCell] = store.counter(METRICS["http_server_requests_aborted_total"])
    shown.registry.register(store)
    for text in texts:
        aborted.cell(text, "cancelled").add()

    assert shown.samples() == shown.samples(OPENMETRICS)
    assert sum(shown.samples().values()) == len(texts)
    assert shown.failed == []


@pytest.mark.parametrize(
    ("broken", "failed"),
    [
        (Custom(error=RuntimeError("no database")), ("Custom", "no database")),
        (Custom(error=RecursionError()), ("Custom", "")),
        (Custom([GaugeMetricFamily("late", "Late.", value=1)], ValueError("torn")), ("Custom", "torn")),
        (Custom([None]), ("Custom", "'NoneType' object has no attribute 'name'")),
        (Custom([CounterMetricFamily("stock", "Twice.", value=1)]), ("Custom", TAKEN)),
        (Custom([GaugeMetricFamily("stock", "Twice.", value=1)]), ("Custom", TAKEN)),
        (Custom([GaugeMetricFamily("odd", "Odd.", value=cast("float", "many"))]), ("odd", NO_NUMBER)),
    ],
)
@pytest.mark.parametrize("accept", PARSERS)
def test_a_collector_that_fails_costs_its_own_families_only(
    shown: Shown,
    requests: Family[HistogramCell],
    broken: Custom,
    failed: tuple[str, str],
    accept: str,
) -> None:
    requests.cell("/").observe(0.3)
    Gauge("stock", "Stock.", registry=shown.registry).set(7)
    shown.registry.register(broken)
    Gauge("staff", "Staff.", registry=shown.registry).set(2)

    samples = shown.samples(accept)

    assert samples["stock", ()] == 7.0
    assert samples["staff", ()] == 2.0
    assert samples["http_server_time_to_first_byte_seconds_count", (("http_route", "/"),)] == 1.0
    assert samples.keys().isdisjoint({("late", ()), ("odd", ()), ("stock_total", ())})
    assert shown.failed == [failed]


def test_a_collector_that_repeats_the_name_of_a_family_is_shown_as_it_is(shown: Shown) -> None:
    one, other = (GaugeMetricFamily("depth", "Depth.", labels=["queue"]) for _ in range(2))
    one.add_metric(["mail"], 1)
    other.add_metric(["sms"], 2)
    shown.registry.register(Custom([one, other]))

    samples = shown.samples()

    assert samples == {("depth", (("queue", "mail"),)): 1.0, ("depth", (("queue", "sms"),)): 2.0}
    assert shown.failed == []


def test_a_reading_of_ours_that_fails_costs_the_page_that_family_only(shown: Shown) -> None:
    told: list[tuple[str, str]] = []
    store = Store(100, lambda name, error: told.append((name, str(error))))
    store.reading(METRICS["observekit_lifecycle_state"], lambda: [(("ready",), 1 / 0)])
    store.counter(METRICS["observekit_spans_total"])
    shown.registry.register(store)

    samples = shown.samples()

    assert samples == {
        ("observekit_spans_total", (("outcome", "exported"),)): 0.0,
        ("observekit_spans_total", (("outcome", "rejected"),)): 0.0,
    }
    assert told == [("observekit_lifecycle_state", "division by zero")]


@pytest.mark.parametrize("accept", PARSERS)
def test_every_kind_of_metric_of_the_client_library_is_shown(shown: Shown, accept: str) -> None:
    Counter("orders", "Orders.", registry=shown.registry).inc()
    Gauge("stock", "Stock.", registry=shown.registry).set(math.inf)
    Histogram("size", "Size.", registry=shown.registry, buckets=(1,)).observe(0.5)
    Info("build", "Build.", registry=shown.registry).info({"commit": "abc"})

    samples = {key: value for key, value in shown.samples(accept).items() if "_created" not in key[0]}

    assert samples == {
        ("orders_total", ()): 1.0,
        ("stock", ()): math.inf,
        ("size_bucket", (("le", "1.0"),)): 1.0,
        ("size_bucket", (("le", "+Inf"),)): 1.0,
        ("size_count", ()): 1.0,
        ("size_sum", ()): 0.5,
        ("build_info", (("commit", "abc"),)): 1.0,
    }


def test_exemplars_stand_in_openmetrics_only(shown: Shown, requests: Family[HistogramCell]) -> None:
    requests.cell("/").observe(0.3, ("a" * 32, "b" * 16))

    exemplars = [
        (sample.labels["le"], sample.exemplar.labels, sample.exemplar.value)
        for family in parse_openmetrics(shown.page(OPENMETRICS))
        for sample in family.samples
        if sample.exemplar
    ]

    assert exemplars == [("0.5", {"trace_id": "a" * 32, "span_id": "b" * 16}, 0.3)]
    assert "a" * 32 not in shown.page()


@pytest.mark.parametrize("name", sorted(METRICS))
def test_nobody_can_register_a_metric_of_a_name_of_ours(name: str) -> None:
    spec = METRICS[name]
    store = Store(100)
    if spec not in [one.spec for one in store.shown()]:
        store.reading(spec, list)
    registry = CollectorRegistry(auto_describe=True)
    registry.register(store)

    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Gauge(name, "Another.", registry=registry)


def test_the_page_is_the_same_on_trio() -> None:
    registry = CollectorRegistry()
    Counter("stock", "What is there.", registry=registry).inc()
    exposition = Exposition(registry, lambda *_: None, lambda _: None)

    page = trio.run(exposition.page, OPENMETRICS)

    assert page.body == exposition.render(OPENMETRICS).body
    assert b"stock_total 1.0" in page.body
