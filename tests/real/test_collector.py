"""A real OTLP collector receives the spans of one request from all three services, and the logs agree."""

import functools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import LOOPBACK, Process, Start, free_port, until

pytestmark = [pytest.mark.real, pytest.mark.once]

rotel = pytest.importorskip("rotel", reason="the collector rotel is not installed")


def collector(start: Start) -> Process:
    grpc, port = free_port(), free_port()
    agent = Path(rotel.__file__).with_name("rotel-agent")
    process = start(
        "rotel",
        [
            *(str(agent), "start", "--exporter", "blackhole"),
            *("--otlp-grpc-endpoint", f"{LOOPBACK}:{grpc}", "--otlp-http-endpoint", f"{LOOPBACK}:{port}"),
            *("--debug-log", "traces", "--debug-log-verbosity", "detailed"),
        ],
        port=port,
    )
    until(lambda: _listens(process) or process.running.poll() is not None, process.text)
    if "error while loading shared libraries" in process.text():
        pytest.skip(f"the collector rotel does not run with this Python: {process.text().strip()}")
    return process


def _listens(process: Process) -> bool:
    try:
        httpx.get(process.url)
    except httpx.TransportError:
        return False
    return True


def _mentions(service: Process, trace_id: str) -> bool:
    return trace_id in service.text()


def lines_of(service: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.text().splitlines()]


def test_one_request_is_one_trace_over_three_services_and_their_logs(
    start: Start, open_shop: Callable[..., Mapping[str, Process]]
) -> None:
    agent = collector(start)
    shop = open_shop(OTEL_EXPORTER_OTLP_ENDPOINT=agent.url, OTEL_BSP_SCHEDULE_DELAY="100")

    assert httpx.post(f"{shop['storefront'].url}/checkout/mug").status_code == 201
    canonical = until(
        lambda: [line for line in lines_of(shop["storefront"]) if line["event"] == "http.request"]
    )
    (trace_id,) = {line["trace_id"] for line in canonical if line["http_route"] == "/checkout/{sku}"}
    told = {"POST", "POST /checkout/{sku}", "POST /orders", "POST /items/{sku}/reserve", "charge card"}
    wanted = ("POST /checkout/{sku}", "POST /orders", "POST /items/{sku}/reserve", "charge card")
    until(lambda: all(name in agent.text() for name in wanted), agent.text)
    received = spans(agent.text())

    of_the_trace = {name: service for service, name, trace in received if trace == trace_id and name in told}
    assert of_the_trace | {"POST": "client"} == {
        "POST /checkout/{sku}": "storefront",
        "POST /orders": "orders",
        "charge card": "orders",
        "POST /items/{sku}/reserve": "inventory",
        "POST": "client",
    }
    for name, service in shop.items():
        until(functools.partial(_mentions, service, trace_id))
        carrying = [line for line in lines_of(service) if line.get("trace_id") == trace_id]
        assert {line["service"] for line in carrying} == {name}
        assert "http.request" in {line["event"] for line in carrying}
    placed = [line for line in lines_of(shop["orders"]) if line["event"] == "order.placed"]
    assert [line["trace_id"] for line in placed] == [trace_id]


def spans(text: str) -> list[tuple[str, str, str]]:
    """Read service, name and trace id of each span from what the collector printed."""
    found = []
    service = trace = ""
    for line in text.splitlines():
        if match := re.search(r"-> service\.name: Str\((.+)\)", line):
            service = match[1]
        elif match := re.search(r"Trace ID\s*: ([0-9a-f]{32})", line):
            trace = match[1]
        elif match := re.search(r"^ +Name\s*: (.+)$", line):
            found.append((service, match[1].strip(), trace))
    return found
