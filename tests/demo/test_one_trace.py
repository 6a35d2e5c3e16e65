"""One trace of the shop goes across HTTP, a queue and a pool of threads."""

import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic

import httpx
import pytest

import observekit
from observekit.cli.demo.collector import Collector
from observekit.cli.demo.ports import listen
from observekit.cli.demo.spans import Span

pytestmark = pytest.mark.once

_EXAMPLES = Path(observekit.__file__).parents[1] / "examples"
_SECONDS = 45
_WANTED = {
    *("POST /orders", "POST /items/{sku}/reserve", "charge card"),
    *("send parcels", "process parcels", "print label"),
}


def _spans(collector: Collector) -> list[Span]:
    """Wait until all of an order has arrived, and return the spans of its trace."""
    pause, deadline = Event(), monotonic() + _SECONDS
    found: list[Span] = []
    while monotonic() < deadline and not {span.name for span in found} >= _WANTED:
        pause.wait(0.05)
        traces = collector.traces.newest_first()
        found = next((list(one) for one in traces if any(span.name == "POST /orders" for span in one)), [])
    return found


def test_an_order_is_one_trace_to_the_printed_label(environment: dict[str, str], tmp_path: Path) -> None:
    running: list[subprocess.Popen[bytes]] = []
    with Collector() as collector, listen(18_700) as inventory, listen(18_800) as orders:
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in (inventory, orders)]
        given = {
            **environment,
            "INVENTORY_URL": urls[0],
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        try:
            for name, one in (("inventory", inventory), ("orders", orders)):
                command = [sys.executable, "-m", "uvicorn", f"shop.{name}:app", "--app-dir", str(_EXAMPLES)]
                with (tmp_path / name).open("wb") as output:
                    running.append(
                        subprocess.Popen(
                            [*command, "--fd", str(one.fileno())],
                            env=given,
                            stdout=output,
                            stderr=output,
                            pass_fds=[one.fileno()],
                        )
                    )
            answer = httpx.post(f"{urls[1]}/orders", json={"sku": "tea"}, trust_env=False, timeout=_SECONDS)
            spans = _spans(collector)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(_SECONDS)

    assert answer.status_code == 201
    named = {span.name: span for span in spans}
    assert named.keys() >= _WANTED
    assert named["send parcels"].parent_id == named["POST /orders"].span_id
    assert named["process parcels"].parent_id == named["send parcels"].span_id
    assert named["print label"].parent_id == named["process parcels"].span_id
    lines = (tmp_path / "orders").read_text("utf-8").splitlines()
    (printed,) = [line for line in lines if '"label.printed"' in line]
    assert named["print label"].trace_id in printed
