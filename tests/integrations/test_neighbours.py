"""Who else traces or measures the same requests is said in one line, and leaves one span and one sample."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.util.http import ExcludeList
from starlette.applications import Starlette
from starlette.routing import Mount

from observekit import ObserveMiddleware, instrument

from .apps import ONE, fastapi, starlette

if TYPE_CHECKING:
    from tests.integrations.conftest import Observed

AROUND = "OpenTelemetry's instrumentation, around: the SERVER span is its own"
OWN = "FastAPI's own telemetry"
CONTRIB = "OpenTelemetry's ASGI middleware, within"
STARLETTE = "Starlette's OpenTelemetry middleware, within"
TWICE = "observekit, once more"


def alone() -> Any:
    app = starlette()
    instrument(app)
    return app


def native_and_instrumented() -> Any:
    app = fastapi()
    instrument(app)
    return app


def native_and_wrapped() -> Any:
    return ObserveMiddleware(fastapi())


def native_and_added() -> Any:
    app = fastapi()
    app.add_middleware(ObserveMiddleware)
    return app


def native_off() -> Any:
    app = fastapi()
    own: Any = getattr(app, "_telemetry", {})
    own.update(dict.fromkeys(own, False))
    instrument(app)
    return app


def starlettes_middleware() -> Any:
    theirs = pytest.importorskip("starlette.middleware.opentelemetry")
    app = starlette()
    app.add_middleware(theirs.OpenTelemetryMiddleware)
    instrument(app)
    return app


def contrib_within() -> Any:
    app = starlette()
    StarletteInstrumentor.instrument_app(app)
    instrument(app)
    return app


def contrib_around() -> Any:
    app = starlette()
    instrument(app)
    return OpenTelemetryMiddleware(app, exclude_spans=["receive", "send"])


def contrib_fastapi_before() -> Any:
    app = fastapi()
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
    instrument(app)
    return app


def twice() -> Any:
    app = starlette()
    instrument(app)
    app.add_middleware(ObserveMiddleware)
    return app


SITUATIONS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "nobody": (alone, []),
    "FastAPI's own, instrumented": (native_and_instrumented, [OWN]),
    "FastAPI's own, wrapped": (native_and_wrapped, [OWN]),
    "FastAPI's own, added": (native_and_added, [OWN]),
    "FastAPI's own is off": (native_off, []),
    "Starlette's own middleware": (starlettes_middleware, [STARLETTE]),
    "contrib within": (contrib_within, [CONTRIB]),
    "contrib around": (contrib_around, [AROUND]),
    "contrib's FastAPI before": (contrib_fastapi_before, [OWN, CONTRIB]),
    "observekit twice": (twice, [TWICE]),
}


def said(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [one for one in lines if one["event"] == "observekit.neighbours_found"]


@pytest.mark.parametrize(("make", "found"), SITUATIONS.values(), ids=SITUATIONS)
def test_who_else_is_there_is_said_once_and_adds_no_span_and_no_sample(
    observe: "Callable[..., Observed]",
    capfd: pytest.CaptureFixture[str],
    make: Callable[[], Any],
    found: list[str],
) -> None:
    observed = observe(logs="own")
    app = make()
    if OWN in found and not hasattr(FastAPI(), "_telemetry"):
        found = [one for one in found if one != OWN]

    observed.get(app, "/items/7")

    assert len(observed.servers()) == 1
    assert observed.durations() == ONE
    observed.get(app, "/items/8", "/items/9")
    observed.kit.shutdown()
    assert [one["found"] for one in said(capfd)] == ([found] if found else [])
    assert observed.samples("observekit_internal_errors_total") == {}


def test_a_probe_that_comes_first_and_is_left_out_by_others_hides_nobody(
    observe: "Callable[..., Observed]", capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own")
    app = starlette()
    instrument(app)
    contrib = OpenTelemetryMiddleware(app, excluded_urls=ExcludeList(["livez"]))

    observed.get(contrib, "/livez", "/livez", "/items/7")

    observed.kit.shutdown()
    assert [one["found"] for one in said(capfd)] == [[AROUND]]


def test_an_application_in_an_application_is_observed_by_the_outer_one_alone(
    observe: "Callable[..., Observed]", capfd: pytest.CaptureFixture[str]
) -> None:
    observed = observe(logs="own")
    outer = Starlette(routes=[Mount("/in", native_and_instrumented())])
    instrument(outer)

    observed.get(outer, "/in/items/7")

    assert len(observed.servers()) == 1
    assert observed.durations() == {("GET", "200", "/in/items/{item}"): 1.0}
    observed.kit.shutdown()
    assert said(capfd) == []


SERVICE = """
import asyncio, sys
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
import observekit

spans = []
class Keep(SpanExporter):
    def export(self, batch):
        spans.extend(span for span in batch if span.kind is SpanKind.SERVER)

app = FastAPI()
app.add_api_route("/items/{item}", lambda item: {"item": item})
kit = observekit.setup(registry=CollectorRegistry(), logs="own")
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(Keep()))
observekit.instrument(app)

async def ask():
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        pass
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
             "scheme": "http", "path": "/items/7",
             "raw_path": b"/items/7", "root_path": "", "query_string": b"", "headers": [],
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await app(scope, receive, send)

asyncio.run(ask())
count = kit.registry.get_sample_value(
    "http_server_request_duration_seconds_count",
    {"http_request_method": "GET", "http_route": "/items/{item}", "http_response_status_code": "200"},
)
kit.shutdown(2)
print(len(spans), int(count), file=sys.stderr)
"""


def test_opentelemetry_instrument_around_the_process_adds_no_span_and_no_sample(tmp_path: Path) -> None:
    command = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("opentelemetry-instrument is not installed")
    (tmp_path / "service.py").write_text(SERVICE)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    done = subprocess.run(
        [
            *(command, "--traces_exporter", "none", "--metrics_exporter", "none", "--logs_exporter", "none"),
            *(sys.executable, "service.py"),
        ],
        env={**kept, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.stderr.splitlines()[-1:] == ["1 1"], done.stderr
    (started,) = [
        one for one in map(json.loads, done.stdout.splitlines()) if one["event"] == "observekit.started"
    ]
    assert "opentelemetry-instrument runs this process" in started["found"]
