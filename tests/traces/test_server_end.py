"""A server that is told to end sends the last spans, or says how many it could not send."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.traces.conftest import Collector

SERVICE = """
import os, signal, sys
import uvicorn
from opentelemetry import trace
from observekit import ObserveMiddleware, setup

setup(traces_endpoint=sys.argv[1], shutdown_budget_seconds=float(sys.argv[2]), log_format="json")

async def app(scope, receive, send):
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    for _ in range(7):
        trace.get_tracer("theirs").start_span("theirs").end()
    await send({"type": "lifespan.shutdown.complete"})

class Server(uvicorn.Server):
    async def main_loop(self):
        os.kill(os.getpid(), signal.SIGTERM)
        await super().main_loop()

Server(uvicorn.Config(ObserveMiddleware(app), port=0, lifespan="on", log_config=None)).run()
"""


def serve(endpoint: str, budget_seconds: float) -> tuple[int, list[dict[str, Any]]]:
    """Run a service that is told to end, and return how it ended and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", SERVICE, endpoint, str(budget_seconds)],
        capture_output=True,
        timeout=50,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("down", ["does not answer", "answers 503", "refuses"])
def test_spans_that_a_server_could_not_send_before_its_signal_ends_it_are_said(
    collector: "Collector", down: str
) -> None:
    collector.silent = down == "does not answer"
    collector.status = 503 if down == "answers 503" else 400

    code, lines = serve(collector.endpoint, 1.0)

    assert code == -15
    assert [line["spans"] for line in lines if line["event"] == "observekit.export_failed"] == [7]


def test_spans_that_end_with_a_server_arrive(collector: "Collector") -> None:
    code, lines = serve(collector.endpoint, 30.0)

    assert code == -15
    assert len(collector.spans()) == 7
    assert [line for line in lines if line["event"] == "observekit.export_failed"] == []
