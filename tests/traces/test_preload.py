"""Spans of workers that were forked from a process that had set everything up arrive once, as their own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.traces.sink import sink_of
from tests.waiting import until

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
REQUESTS = 40
LONG = 50.0
APPLICATION = """
from opentelemetry import trace
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from observekit import instrument

def number(request):
    with trace.get_tracer("theirs").start_as_current_span(f"number {request.path_params['number']}"):
        return PlainTextResponse("done")

app = Starlette(routes=[Route("/{number}", number)])
instrument(app)
# In the parent, whose thread is sending when workers are forked.
for number in range(20):
    trace.get_tracer("theirs").start_span(f"before {number}").end()
trace.get_tracer_provider().force_flush(1)
"""


def asked(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        connection.request("GET", path, headers={"connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def listens(port: int) -> bool:
    try:
        return asked(port, "/livez") == 200
    except OSError:
        return False


def test_spans_of_preloaded_workers_arrive_once_and_say_who_sent_them(tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    (tmp_path / "preloaded.py").write_text(APPLICATION)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with sink_of() as sink, (tmp_path / "output").open("wb") as output:
        running = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore::DeprecationWarning", "-m", "gunicorn", "preloaded:app"),
                *("--preload", "--workers", "2", "--worker-class", "uvicorn_worker.UvicornWorker"),
                *("--bind", f"127.0.0.1:{port}", "--graceful-timeout", "30"),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": sink.endpoint,
                "OBSERVEKIT_SHUTDOWN_BUDGET": "20",
                "OBSERVEKIT_DRAIN_DELAY": "0",
            },
            stdout=output,
            stderr=output,
        )
        try:
            until(lambda: listens(port), (tmp_path / "output").read_text)
            statuses = {asked(port, f"/{number}") for number in range(REQUESTS)}
        finally:
            running.send_signal(signal.SIGTERM)
            code = running.wait(LONG)
        sent = Counter(sink.spans())

    assert (statuses, code) == ({200}, 0), (tmp_path / "output").read_text()
    theirs = {name: times for name, times in sent.items() if name.startswith("number")}
    assert theirs == {f"number {number}": 1 for number in range(REQUESTS)}
    assert sent["GET /{number}"] == REQUESTS
    # Once, and from the parent: those of a worker would be there twice or more.
    assert {sent[f"before {number}"] for number in range(20)} == {1}
    # The parent, and each worker that was asked.
    assert 2 <= len(sink.instances) <= 3
