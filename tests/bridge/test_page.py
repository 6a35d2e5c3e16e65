"""What is measured through OpenTelemetry's API is on the page beside everything else."""

from collections.abc import Callable, Iterable
from threading import Event
from typing import TYPE_CHECKING

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, Counter, Gauge

if TYPE_CHECKING:
    from tests.bridge.conftest import Service

Make = Callable[..., "Service"]


@pytest.mark.usefixtures("recent_sdk")
def test_every_instrument_is_on_the_page_as_prometheus_knows_it(service: "Service") -> None:
    meter = service.meter
    meter.create_counter("orders", "{order}", "Orders.").add(2, {"shop.region": "eu"})
    meter.create_up_down_counter("carts.open").add(-1)
    meter.create_gauge("battery.level", "1").set(0.25)
    meter.create_histogram("pick.time", "s", explicit_bucket_boundaries_advisory=[0.5, 1]).record(0.7)
    meter.create_observable_counter("bytes.read", [lambda _: [Observation(5)]], "By")
    meter.create_observable_up_down_counter("queue", [lambda _: [Observation(-3, {"q": "a"})]])
    meter.create_observable_gauge("room.temperature", [lambda _: [Observation(21.5)]], "Cel")

    page = service.page()

    assert {name: (page[name].type, page[name].documentation) for name in ("orders", "carts_open")} == {
        "orders": ("counter", "Orders."),
        "carts_open": ("gauge", ""),
    }
    assert service.lines("orders") == {"orders_total shop_region=eu": 2.0}
    assert service.lines("carts_open") == {"carts_open": -1.0}
    assert service.lines("battery_level_ratio") == {"battery_level_ratio": 0.25}
    assert service.lines("pick_time_seconds") == {
        "pick_time_seconds_bucket le=0.5": 0.0,
        "pick_time_seconds_bucket le=1.0": 1.0,
        "pick_time_seconds_bucket le=+Inf": 1.0,
        "pick_time_seconds_count": 1.0,
        "pick_time_seconds_sum": 0.7,
    }
    assert service.lines("bytes_read_bytes") == {"bytes_read_bytes_total": 5.0}
    assert service.lines("queue") == {"queue q=a": -3.0}
    assert service.lines("room_temperature_celsius") == {"room_temperature_celsius": 21.5}


def test_each_series_says_which_library_measures_it(service: "Service") -> None:
    service.meter.create_counter("jobs").add(1)
    metrics.get_meter("cron").create_counter("jobs").add(2)

    labels = [(sample.labels, sample.value) for sample in service.page()["jobs"].samples]

    assert labels == [
        ({"otel_scope_name": "shop", "otel_scope_version": "1.2"}, 1.0),
        ({"otel_scope_name": "cron"}, 2.0),
    ]


def test_instruments_that_were_made_before_setup_measure_after_it(serve: Make) -> None:
    early = metrics.get_meter("early").create_counter("early")
    service = serve()

    early.add(4)

    assert service.lines("early") == {"early_total": 4.0}


@pytest.mark.usefixtures("no_spans")
def test_sampled_measurements_leave_exemplars(service: "Service") -> None:
    histogram = service.meter.create_histogram("pick", explicit_bucket_boundaries_advisory=[1, 2])
    counter = service.meter.create_counter("picks")
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("x") as span:
        histogram.record(1.5)
        counter.add(1)

    page = service.page()

    context = span.get_span_context()
    ids = {
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
    }
    shown = {
        (sample.name, sample.labels.get("le")): (sample.exemplar.labels, sample.exemplar.value)
        for family in ("pick", "picks")
        for sample in page[family].samples
        if sample.exemplar
    }
    assert shown == {("pick_bucket", "2.0"): (ids, 1.5), ("picks_total", None): (ids, 1.0)}


@pytest.mark.usefixtures("no_spans")
def test_exemplars_can_be_turned_off(serve: Make) -> None:
    service = serve(otel_exemplar_filter="always_off")
    counter = service.meter.create_counter("picks")
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("x"):
        counter.add(1)

    samples = service.page()["picks"].samples

    assert [(one.value, one.exemplar) for one in samples] == [(1.0, None)]


def test_values_that_become_the_same_series_are_added_up(service: "Service") -> None:
    counter = service.meter.create_counter("orders")
    histogram = service.meter.create_histogram("wait", explicit_bucket_boundaries_advisory=[1])
    for value in (True, "true"):
        counter.add(2, {"express": value})
        histogram.record(0.5, {"express": value})

    assert service.lines("orders") == {"orders_total express=true": 4.0}
    assert service.lines("wait") == {
        "wait_bucket express=true le=1.0": 2.0,
        "wait_bucket express=true le=+Inf": 2.0,
        "wait_count express=true": 2.0,
        "wait_sum express=true": 1.0,
    }


def test_past_the_series_limit_the_sum_stays_right_and_no_series_comes(serve: Make) -> None:
    service = serve(series_limit=10)
    counter = service.meter.create_counter("orders")
    for number in range(1000):
        counter.add(1, {"user": f"u{number}"})
    counter.add(1, {"user": "u3"})

    lines = service.lines("orders")

    assert sum(lines.values()) == 1001.0
    assert lines.keys() == {
        *(f"orders_total user=u{number}" for number in range(10)),
        "orders_total otel_metric_overflow=true",
    }
    assert lines["orders_total user=u3"] == 2.0


def test_observations_past_the_series_limit_are_one_series_too(serve: Make) -> None:
    service = serve(series_limit=10)
    seen = [Observation(1, {"user": f"u{number}"}) for number in range(100)]
    service.meter.create_observable_counter("seen", [lambda _: seen])

    lines = service.lines("seen")

    assert (len(lines), sum(lines.values())) == (11, 100.0)


def test_what_is_measured_of_requests_is_not_on_the_page_twice(service: "Service") -> None:
    service.meter.create_histogram("http.server.request.duration", "s").record(0.1)
    service.meter.create_up_down_counter("http.server.active_requests", "{request}").add(7)
    service.meter.create_counter("orders").add(1)

    page = service.page()

    assert page["http_server_request_duration_seconds"].samples == []
    assert [one.value for one in page["http_server_active_requests"].samples if one.value] == []
    assert service.lines("orders") == {"orders_total": 1.0}
    assert service.left_out() == {"observekit": 2.0}


@pytest.mark.usefixtures("recent_sdk")
def test_a_name_that_another_library_has_stays_its(serve: Make) -> None:
    registry = CollectorRegistry()
    Counter("orders", "Theirs.", registry=registry).inc(3)
    Gauge("wait_sum", "Theirs.", registry=registry)
    service = serve(registry=registry)
    service.meter.create_counter("orders").add(1)
    service.meter.create_histogram("wait").record(1)
    service.meter.create_gauge("carts.open").set(1)
    service.meter.create_gauge("carts-open").set(2)
    service.meter.create_histogram("pick").record(1)
    service.meter.create_gauge("pick.count").set(2)
    service.meter.create_counter("sold").add(1)

    page = service.page()

    assert [(one.name, one.value) for one in page["orders"].samples if one.name == "orders_total"] == [
        ("orders_total", 3.0)
    ]
    assert page.keys() & {"wait", "carts_open", "pick", "pick_count", "sold"} == {
        "carts_open",
        "pick",
        "sold",
    }
    assert service.left_out() == {"name_taken": 4.0}


def test_a_callback_that_hangs_costs_these_metrics_only_and_is_counted(
    serve: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("observekit.metrics.collecting.COLLECT_SECONDS", 0.05)
    service, go_on = serve(), Event()

    def hang(_: CallbackOptions) -> Iterable[Observation]:
        go_on.wait(30)
        return [Observation(1)]

    service.meter.create_observable_gauge("slow", [hang])
    try:
        page = service.page()
        errors = service.page()["observekit_collector_errors"].samples
    finally:
        go_on.set()

    assert "slow" not in page
    assert "http_server_active_requests" in page
    assert [one.labels["collector"] for one in errors if one.name.endswith("_total")] == [
        "OpenTelemetryMetrics"
    ]


def test_a_callback_that_raises_costs_its_own_metric_only(
    service: "Service", caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: CallbackOptions) -> Iterable[Observation]:
        raise OSError("sensor is gone")

    service.meter.create_observable_gauge("broken", [fail])
    service.meter.create_counter("orders").add(1)

    assert service.lines("orders") == {"orders_total": 1.0}
    assert "sensor is gone" in caplog.text
