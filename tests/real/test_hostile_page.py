"""A real Prometheus reads a page whose metrics are full of what would spoil it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import LOOPBACK, Process, Start, answers, free_port, program, start_prometheus, until

pytestmark = [pytest.mark.real, pytest.mark.once]

TEXTS = 9
SCRAPES = 3
TRACE, SPAN = "1234567890abcdef1234567890abcdef", "1234567890abcdef"
COUNT = "http_server_request_duration_seconds_count"


def ask(prometheus: Process, query: str) -> list[tuple[dict[str, str], float]]:
    answer: Any = httpx.get(f"{prometheus.url}/api/v1/query", params={"query": query}).json()
    return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]


def value(prometheus: Process, query: str) -> float:
    """Return the value of the one series, 0 where there is none."""
    return sum(number for _, number in ask(prometheus, query))


@pytest.fixture
def service(start: Start) -> Process:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "hostile:app", "--app-dir", str(Path(__file__).parent)]
    # Exemplars are of traces that are sent; nobody listens there.
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:9"}
    process = start("hostile", [*command, "--port", str(port)], port=port, environ=environ)
    until(lambda: answers(f"{process.url}/livez"), process.text)
    # The collector that hangs is waited for once, and not asked again.
    until(lambda: answers(f"{process.url}/metrics"), process.text)
    return process


def test_no_text_number_or_collector_spoils_a_scrape(start: Start, service: Process, tmp_path: Path) -> None:
    prometheus = start_prometheus(start, {"hostile": service.port}, tmp_path)

    until(lambda: value(prometheus, "count_over_time(up[5m])") >= SCRAPES, prometheus.text)

    assert value(prometheus, "min_over_time(up[5m])") == 1
    assert value(prometheus, "healthy_total") == 7
    assert value(prometheus, "sum(hostile_texts_total)") == TEXTS
    assert value(prometheus, "count(hostile_texts_total)") == TEXTS
    assert value(prometheus, "count(hostile_numbers)") == 8
    assert value(prometheus, "hostile_seconds_count") == 7  # The client library files NaN in no bucket.
    assert value(prometheus, "sum(hostile_attributes_total)") == TEXTS
    assert ask(prometheus, "{__name__=~'forged.*|before_the_end|nameless'}") == []
    failed = {one["collector"] for one, number in ask(prometheus, "observekit_collector_errors_total > 0")}
    assert {"Hangs", "Nameless", "Raises", "Repeats"} <= failed


def test_scrapes_and_probes_alone_are_no_traffic(start: Start, service: Process, tmp_path: Path) -> None:
    prometheus = start_prometheus(start, {"hostile": service.port}, tmp_path)

    for path in ("/livez", "/readyz", "/startupz", "/metrics") * 20:
        httpx.get(f"{service.url}{path}")
    until(lambda: value(prometheus, "count_over_time(up[5m])") >= SCRAPES, prometheus.text)

    assert ask(prometheus, '{__name__=~"http_server_.*"} != 0') == []


def test_prometheus_keeps_the_exemplar_of_a_sampled_request(
    start: Start, service: Process, tmp_path: Path
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    httpx.get(f"{service.url}/items/7", headers=headers)

    prometheus = start_prometheus(start, {"hostile": service.port}, tmp_path)
    until(
        lambda: value(prometheus, f'{COUNT}{{http_route="/items/{{item}}",http_response_status_code="200"}}')
    )

    asked = {"query": "http_server_request_duration_seconds_bucket", "start": "0", "end": "9999999999"}

    def exemplars() -> list[dict[str, Any]]:
        answer: Any = httpx.get(f"{prometheus.url}/api/v1/query_exemplars", params=asked).json()
        return [one for series in answer["data"] for one in series["exemplars"]]

    found = until(exemplars, prometheus.text)
    assert {one["labels"]["trace_id"] for one in found} == {TRACE}


def test_promtool_reads_the_page(service: Process) -> None:
    page = httpx.get(f"{service.url}/metrics").content

    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=page, capture_output=True, check=False
    )

    # It finds fault with the names of some, such as forged units; it must be able to read all of it.
    assert b"error while linting" not in checked.stderr + checked.stdout
    assert b"parsing error" not in checked.stderr + checked.stdout
