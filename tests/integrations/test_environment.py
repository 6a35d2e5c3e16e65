"""What is wrong with the environment or the installation does not keep a service from starting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

SERVICE = """
import asyncio, json, sys
import observekit
from prometheus_client import CollectorRegistry

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

async def receive():
    return {"type": "http.request"}

sent = []
async def send(message):
    sent.append(message)

kit = observekit.setup(registry=CollectorRegistry(), logs="own")
scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b"password=hunter2"}
asyncio.run(observekit.ObserveMiddleware(app)(scope, receive, send))
assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
kit.shutdown(2)
print("served", file=sys.stderr)
"""
WITHOUT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name == "{name}" or name.startswith("{name}."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


WRONG = {
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "-3",
    "OTEL_PROPAGATORS": "nope",
    "OTEL_TRACES_SAMPLER": "sometimes",
    "OTEL_BSP_SCHEDULE_DELAY": "soon",
    "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "1e9",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "x",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "not a url",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "later",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "zip",
    "OTEL_EXPORTER_OTLP_HEADERS": "hunter2-without-an-equals-sign",
    "OTEL_PYTHON_TRACER_PROVIDER": "nope",
    "OTEL_RESOURCE_ATTRIBUTES": "hunter2",
}


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_variable_of_opentelemetry_stops_no_service(variable: str) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}

    done = run(SERVICE, **{**endpoint, variable: WRONG[variable]})

    assert done.stderr.splitlines()[-1:] == ["served"], done.stderr
    assert done.returncode == 0
    assert "Traceback" not in done.stderr + done.stdout


def test_all_that_is_wrong_at_once_stops_no_service_and_gives_no_secret_away() -> None:
    done = run(SERVICE, **WRONG)

    assert done.stderr.splitlines()[-1:] == ["served"], done.stderr
    assert "hunter2-without" not in done.stderr + done.stdout
    assert "password" not in done.stdout


def test_strict_mode_refuses_what_is_wrong() -> None:
    done = run(SERVICE, OBSERVEKIT_STRICT="1", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="abc")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("observekit.errors.ConfigError: ")
    assert "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("opentelemetry.exporter", "observekit.started"),
        ("grpc", "pip install 'observekit[otlp-grpc]'"),
        ("httpx", "observekit.started"),
        ("opentelemetry.instrumentation.httpx", "observekit.started"),
    ],
)
def test_a_missing_extra_is_said_and_stops_no_service(name: str, said: str) -> None:
    done = run(
        WITHOUT.format(name=name) + SERVICE,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:9/v1/traces",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc" if name == "grpc" else "http/protobuf",
    )

    assert done.stderr.splitlines()[-1:] == ["served"], done.stderr
    assert said in done.stdout
