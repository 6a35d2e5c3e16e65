"""OpenTelemetry's globals belong to the kit while it lives, and to whoever had them before and after."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import metrics
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

import observekit
from observekit.metrics.otel.sdk import BoundedConsumer

if TYPE_CHECKING:
    from tests.bridge.conftest import Service

Make = Callable[..., "Service"]

_USE = """
import json, sys
from observekit import setup
from opentelemetry import metrics
kit = setup(logs="off", traces=False)
before = "opentelemetry.sdk.metrics" in sys.modules
metrics.get_meter("shop").create_counter("orders").add(3)
after = "opentelemetry.sdk.metrics" in sys.modules
print(json.dumps([before, after, kit.registry.get_sample_value("orders_total", {"otel_scope_name": "shop"})]))
kit.shutdown()
"""


def _run(code: str, **environment: str) -> Any:
    home = {"PYTHONPATH": str(Path(observekit.__file__).parents[1])}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | home | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_metrics_sdk_is_loaded_by_the_first_meter_and_not_before() -> None:
    assert _run(_USE) == [False, True, 3.0]


@pytest.mark.parametrize(
    "variable",
    [
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_PYTHON_METER_PROVIDER",
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
        "OTEL_METRICS_EXPORTER",
    ],
)
def test_no_variable_of_opentelemetry_stops_the_service_or_its_metrics(variable: str) -> None:
    assert _run(_USE, **{variable: "nonsense"}) == [False, True, 3.0]


@pytest.mark.parametrize("environment", [{"OTEL_SDK_DISABLED": "true"}, {"OBSERVEKIT_OTEL_METRICS": "off"}])
def test_what_is_off_stays_off(environment: dict[str, str]) -> None:
    assert _run(_USE, **environment) == [False, False, None]


def test_the_end_of_a_kit_sets_opentelemetry_back_and_the_next_kit_measures(serve: Make) -> None:
    before = metrics.get_meter_provider()
    early = metrics.get_meter("early").create_counter("early")
    first = serve()
    first.meter.create_counter("orders").add(1)
    first.page()
    first.kit.shutdown()
    between = metrics.get_meter_provider()

    second = serve()
    early.add(2)
    second.meter.create_counter("orders").add(5)

    assert between is before
    assert first.kit.registry.get_sample_value("orders_total") is None
    assert second.lines("orders") == {"orders_total": 5.0}
    assert second.lines("early") == {"early_total": 2.0}


@pytest.mark.usefixtures("recent_sdk")
def test_a_provider_that_the_user_has_set_is_kept_and_read(
    serve: Make, theirs: Callable[..., MeterProvider]
) -> None:
    their_reader = InMemoryMetricReader()
    provider = theirs(metric_readers=[their_reader])
    service = serve()
    service.meter.create_counter("orders").add(2)

    lines = service.lines("orders")
    service.kit.shutdown()

    assert lines == {"orders_total": 2.0}
    assert metrics.get_meter_provider() is provider
    data = their_reader.get_metrics_data()
    assert data is not None
    assert [one.name for one in data.resource_metrics[0].scope_metrics[0].metrics] == ["orders"]


@pytest.mark.usefixtures("recent_sdk")
def test_exponential_histograms_of_a_users_views_are_left_out_and_counted(
    serve: Make, theirs: Callable[..., MeterProvider]
) -> None:
    theirs(views=[View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())])
    service = serve()
    service.meter.create_histogram("wait").record(1)
    service.meter.create_histogram("pick").record(1)

    page = service.page()

    assert page.keys() & {"wait", "pick"} == {"pick"}
    assert service.left_out() == {"exponential_histogram": 1.0}


@pytest.mark.usefixtures("theirs")
def test_a_provider_that_cannot_be_read_is_kept_and_said(
    serve: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    metrics.set_meter_provider(NoOpMeterProvider())

    serve(logs="own", log_format="json").kit.shutdown()

    started = json.loads(capfd.readouterr().out.splitlines()[0])
    assert started["found"] == [
        "meter provider NoOpMeterProvider was set before; its metrics are not on the page"
    ]


def test_a_metric_that_is_left_out_is_told_once(serve: Make, capfd: pytest.CaptureFixture[str]) -> None:
    service = serve(logs="own", log_format="json")
    service.meter.create_up_down_counter("http.server.active_requests").add(1)
    for _ in range(3):
        service.page()
    service.kit.shutdown()

    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [
        (one["level"], one["metric"], one["reason"])
        for one in events
        if one["event"] == "observekit.metric_left_out"
    ] == [("info", "http.server.active_requests", "observekit")]


@pytest.mark.usefixtures("recent_sdk")
def test_readers_that_are_added_later_work_as_with_the_sdk(service: "Service") -> None:
    reader = InMemoryMetricReader()
    provider: Any = metrics.get_meter_provider()

    provider.add_metric_reader(reader)
    service.meter.create_counter("orders").add(1)

    assert reader.get_metrics_data() is not None
    assert service.lines("orders") == {"orders_total": 1.0}


def test_an_sdk_that_cannot_be_used_costs_its_metrics_only(
    serve: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "observekit.metrics.otel.sdk", None)
    service = serve()

    service.meter.create_counter("orders").add(1)

    errors = service.page()["observekit_internal_errors"].samples
    assert {one.labels["component"]: one.value for one in errors if one.value} == {"metrics": 1.0}


def test_attribute_sets_past_the_limit_take_no_memory() -> None:
    taken: list[dict[str, object]] = []

    class Consumer:
        def consume_measurement(self, measurement: Any) -> None:
            taken.append(dict(measurement.attributes))

    bounded = BoundedConsumer(Consumer(), limit=2)
    for user in ("a", "b", ["c"], ["c"], "a", "d"):
        bounded.consume_measurement(_measurement({"user": user}))

    overflow = {"otel.metric.overflow": True}
    assert taken == [{"user": "a"}, {"user": "b"}, overflow, overflow, {"user": "a"}, overflow]


def _measurement(attributes: dict[str, object]) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics._internal.measurement import Measurement

    instrument: Any = "orders"
    return Measurement(1, 0, instrument, Context(), attributes)  # type: ignore[arg-type]  # any value
