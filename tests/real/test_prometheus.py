"""A real Prometheus scrapes the real shop."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import Process, Start, program, start_prometheus, until

pytestmark = [pytest.mark.real, pytest.mark.once]

COUNT = "http_server_request_duration_seconds_count"
DRIVEN = {
    "/": 12,
    "/products/{sku}": 8,
    "/checkout/{sku}": 4,
    "/help/{topic}": 6,
    "_unmatched": 2,
    "/items": 12,
    "/items/{sku}": 8,
    "/items/{sku}/reserve": 4,
    "/orders": 4,
}


def drive(storefront: str) -> None:
    """Send what DRIVEN says: the routes of orders and inventory follow from those of the storefront."""
    with httpx.Client(base_url=storefront) as client:
        for number in range(12):
            client.get("/")
            if number % 3 != 2:
                client.get("/products/tea")
            if number % 3 == 0:
                client.post("/checkout/tea")
            if number % 2:
                client.get("/help/returns")
            if number % 6 == 0:
                client.get(f"/nowhere/{number}")


def scrape(start: Start, shop: Mapping[str, Process], directory: Path) -> Callable[[str], dict[str, float]]:
    """Start Prometheus against *shop*; return what asks it, by route."""
    prometheus = start_prometheus(start, {name: one.port for name, one in shop.items()}, directory)

    def ask(query: str) -> dict[str, float]:
        answer: Any = httpx.get(f"{prometheus.url}/api/v1/query", params={"query": query}).json()
        return {
            one["metric"].get("http_route", ""): float(one["value"][1]) for one in answer["data"]["result"]
        }

    return ask


def test_prometheus_answers_with_the_numbers_that_were_driven(
    start: Start, open_shop: Callable[..., Mapping[str, Process]], tmp_path: Path
) -> None:
    shop = open_shop()
    ask = scrape(start, shop, tmp_path)

    drive(shop["storefront"].url)
    until(
        lambda: ask(f"sum({COUNT}) by (http_route)") == DRIVEN, lambda: ask(f"sum({COUNT}) by (http_route)")
    )
    # The series are known now: what comes next is an increase of each of them, in the same scrapes.
    drive(shop["storefront"].url)
    doubled = {route: 2.0 * count for route, count in DRIVEN.items()}
    until(lambda: ask(f"sum({COUNT}) by (http_route)") == doubled)
    rates = ask(f"sum(rate({COUNT}[1m])) by (http_route)")

    assert rates.keys() == DRIVEN.keys()
    # Services are scraped at their own instants, so shares are exact among the routes of one service only.
    for first, second in (
        ("/", "/products/{sku}"),
        ("/", "/help/{topic}"),
        ("/items", "/items/{sku}/reserve"),
    ):
        assert rates[first] / rates[second] == pytest.approx(DRIVEN[first] / DRIVEN[second])


def test_promtool_accepts_the_page(open_shop: Callable[..., Mapping[str, Process]]) -> None:
    promtool = program("promtool")
    shop = open_shop()
    drive(shop["storefront"].url)

    for service in shop.values():
        page = httpx.get(f"{service.url}/metrics").content
        checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, check=False)

        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
