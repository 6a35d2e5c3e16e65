"""Metrics that users make with prometheus_client stay where they are."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter

if TYPE_CHECKING:
    from tests.bridge.conftest import Service

Make = Callable[..., "Service"]


@pytest.fixture
def orders() -> Iterator[Counter]:
    """A metric in the default registry, made as users do, before setup()."""
    counter = Counter("orders", "Orders.", ["shop"])
    yield counter
    REGISTRY.unregister(counter)


def test_metrics_of_the_default_registry_are_on_the_page_beside_all_others(
    serve: Make, orders: Counter
) -> None:
    service = serve(registry=None)
    orders.labels("eu").inc(3)
    service.meter.create_counter("sold").add(1)

    page = service.page()

    assert service.lines("orders")["orders_total shop=eu"] == 3.0
    assert page.keys() >= {"orders", "sold", "http_server_active_requests", "python_info"}


def test_a_registry_of_its_own_is_shown_alone_with_what_opentelemetry_measures(
    serve: Make, orders: Counter
) -> None:
    registry = CollectorRegistry()
    Counter("sent", "Sent.", registry=registry)
    service = serve(registry=registry)
    orders.labels("eu").inc()
    service.meter.create_counter("sold").add(1)

    page = service.page()

    assert page.keys() & {"orders", "sent", "sold"} == {"sent", "sold"}
