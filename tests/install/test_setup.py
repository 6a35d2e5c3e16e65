"""One kit for a process: however often it is asked for, whoever asks, and whatever fails."""

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.registry import REGISTRY

from observekit import Config, Kit, setup
from observekit.errors import ConfigError
from observekit.metrics.workers.place import Place
from tests.often import often

Make = Callable[..., Kit]
Footprint = Callable[[], dict[str, Any]]
REMEDY = "\nCall setup() once, or end the first with Kit.shutdown()."


def test_setting_up_again_returns_the_kit_there_is(make_kit: Make) -> None:
    registry = CollectorRegistry()
    kit = make_kit(service_name="shop", logs="off", registry=registry)

    again = [
        setup(),
        setup(service_name="shop"),
        setup(service_name="shop", logs="off"),
        setup(service_name="shop", logs="off", registry=registry),
        setup(kit.config),
        setup(Config(service_name="shop"), logs="off"),
        setup(registry=registry),
    ]

    assert again == [kit] * 7


def test_setting_up_differently_is_refused_with_every_difference(make_kit: Make) -> None:
    make_kit(service_name="shop", logs="off", metrics_path=None)

    with pytest.raises(ConfigError) as told:
        setup(service_name="cart", logs="off", metrics_path="/metrics", registry=CollectorRegistry())

    assert str(told.value) == (
        "service_name is 'cart', but this process was set up with 'shop'.\n"
        "metrics_path is '/metrics', but this process was set up with None.\n"
        "registry is another one than this process was set up with." + REMEDY
    )


def test_a_config_names_every_setting(make_kit: Make) -> None:
    make_kit(service_name="shop", logs="off")

    with pytest.raises(ConfigError) as told:
        setup(Config(service_name="shop"))

    assert str(told.value) == "logs is 'own', but this process was set up with 'off'." + REMEDY


def test_a_wrong_setting_is_refused_also_when_there_is_a_kit(make_kit: Make) -> None:
    make_kit(logs="off")

    with pytest.raises(ConfigError, match="log_level"):
        setup(log_level="loud")
    with pytest.raises(ConfigError, match="'colour' is no setting"):
        setup(Config(logs="off"), colour="red")


def test_after_the_end_of_one_kit_there_can_be_another(make_kit: Make) -> None:
    registry = CollectorRegistry()
    first = make_kit(service_name="shop", logs="off", registry=registry)

    first.shutdown()
    second = make_kit(service_name="cart", logs="off", registry=registry)

    assert second is not first
    assert second.config.service_name == "cart"
    assert registry.get_sample_value("observekit_lifecycle_state", {"state": "starting"}) == 1.0


def test_eight_threads_that_set_up_at_once_get_one_kit(make_kit: Make) -> None:
    start = threading.Barrier(8)
    registry = CollectorRegistry()

    def work() -> Kit:
        start.wait()
        return make_kit(service_name="shop", logs="off", traces=False, registry=registry)

    with ThreadPoolExecutor(8) as pool:
        kits = {one.result() for one in [pool.submit(work) for _ in range(8)]}

    assert len(kits) == 1


def test_a_registry_that_has_our_names_is_refused_with_a_remedy_and_nothing_is_left_behind(
    footprint: Footprint,
) -> None:
    registry = CollectorRegistry()
    Counter("observekit_spans", "Somebody else's.", registry=registry)
    before, collectors = footprint(), list(registry._collector_to_names)

    with pytest.raises(ConfigError) as told:
        setup(registry=registry)

    message = str(told.value)
    names = sorted(re.findall(r"'(\w+)'", message))
    del told  # It holds the frames, and they hold what was made in them.
    assert names == ["observekit_spans", "observekit_spans_created", "observekit_spans_total"]
    assert re.sub("{.*}", "{…}", message) == (
        "the registry has metrics of the names that observekit uses (Duplicated timeseries in "
        "CollectorRegistry: {…}). Remove the other instrumentation, or pass a registry of its own: "
        "setup(registry=CollectorRegistry())."
    )
    assert footprint() == before
    assert list(registry._collector_to_names) == collectors


def test_a_registry_with_a_target_info_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigError, match="target_info"):
        setup(registry=CollectorRegistry(target_info={"service_name": "other"}))


class Grumpy(CollectorRegistry):
    """A registry that fails half-way."""

    def register(self, collector: Any) -> None:
        if isinstance(collector, ProcessCollector):
            raise OSError("no /proc")
        super().register(collector)


def test_a_setup_that_fails_half_way_leaves_nothing_behind(footprint: Footprint, make_kit: Make) -> None:
    before, registry = footprint(), Grumpy()

    with pytest.raises(OSError, match="no /proc"):
        setup(registry=registry)

    assert footprint() == before
    assert list(registry._collector_to_names) == []
    assert make_kit(logs="off").config.logs == "off"


def test_a_setup_that_fails_after_metrics_and_logs_takes_them_back(
    footprint: Footprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, registry = footprint(), CollectorRegistry()

    with monkeypatch.context() as patch:
        patch.setattr("structlog.configure", _of_another_version)
        with pytest.raises(TypeError) as told:
            setup(registry=registry)
    del told

    assert footprint() == before
    assert list(registry._collector_to_names) == []


def _of_another_version() -> None:
    """Be a function that has lost its parameters."""


def test_a_registry_gets_the_collectors_of_the_process_that_it_lacks(make_kit: Make) -> None:
    registry = CollectorRegistry()
    own = ProcessCollector(registry=registry)

    kit = make_kit(logs="off", otel_metrics=False, registry=registry)
    during = [type(one).__name__ for one in registry._collector_to_names]
    kit.shutdown()

    assert during == ["ProcessCollector", "Store", "PlatformCollector", "GCCollector"]
    assert list(registry._collector_to_names) == [own]


def test_the_default_registry_keeps_the_collectors_that_it_had(make_kit: Make) -> None:
    before = list(REGISTRY._collector_to_names)

    kit = make_kit(logs="off", otel_metrics=False, registry=REGISTRY)
    during = [type(one).__name__ for one in REGISTRY._collector_to_names if one not in before]
    kit.shutdown()

    assert during == ["Store"]
    assert list(REGISTRY._collector_to_names) == before


def test_a_broken_tracing_library_does_not_stop_the_service(
    make_kit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AttributeError("module has no attribute of that name")

    monkeypatch.setattr("opentelemetry.propagate.set_global_textmap", broken)
    registry = CollectorRegistry()

    make_kit(logs="off", registry=registry)

    assert registry.get_sample_value("observekit_internal_errors_total", {"component": "traces"}) == 1.0


@pytest.mark.often
def test_many_lives_leave_nothing_behind(footprint: Footprint) -> None:
    registry = CollectorRegistry()

    def live() -> None:
        kit = setup(registry=registry, traces_endpoint="http://127.0.0.1:9/v1/traces")
        kit.readiness("db")(lambda: True)
        asyncio.run(kit.engine.ask("readiness"))
        kit.shutdown()

    live()
    before = footprint()
    for _ in range(often(100)):
        live()

    assert footprint() == before
    assert list(registry._collector_to_names) == []


@pytest.mark.parametrize(
    ("variable", "component"),
    [("OTEL_PYTHON_TRACER_PROVIDER", "traces"), ("OTEL_PYTHON_METER_PROVIDER", "metrics")],
)
def test_a_provider_that_cannot_be_loaded_is_counted_and_ours_is_used(
    make_kit: Make, monkeypatch: pytest.MonkeyPatch, variable: str, component: str
) -> None:
    monkeypatch.setenv(variable, "nope")

    kit = make_kit(logs="off")

    labels = {"component": component}
    assert kit.registry.get_sample_value("observekit_internal_errors_total", labels) == 1
    assert isinstance(trace.get_tracer_provider(), TracerProvider)


def test_a_service_starts_whatever_the_directories_of_its_workers_are_like(
    make_kit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Place) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Place, "of_worker", broken)
    registry = CollectorRegistry()

    make_kit(service_name="shop", logs="off", registry=registry)

    failures = registry.get_sample_value("observekit_internal_errors_total", {"component": "workers"})
    assert failures == 1.0
