"""The metrics page over HTTP: it is what the catalogue says, for every scraper, and does not see itself."""

import asyncio
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from observekit import operation
from observekit.catalogue import METRICS, MetricSpec
from observekit.http.signals import BACKGROUND_SECONDS
from tests.waiting import until

if TYPE_CHECKING:
    from tests.ops.conftest import Observed

OPENMETRICS = b"application/openmetrics-text;version=1.0.0"
ACCEPTS = {
    "nothing": b"",
    "Prometheus 2.42": b"application/openmetrics-text;version=1.0.0,"
    b"application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Prometheus 3": b"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    b"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    "a browser": b"text/html,application/xhtml+xml,*/*;q=0.8",
    "a wrong version": b"application/openmetrics-text;version=1.x",
    "no UTF-8": b"\xff\xfe,application/openmetrics-text;version=\xe9",
    "64 KiB": b"application/openmetrics-text," * 2300,
}
# What is counted by nothing that an application does.
# What the kernel counts from its own beginning, where it counts it at all.
_OF_THE_KERNEL = {
    "process_cgroup_cpu_limit_cores",
    "process_cgroup_cpu_throttled_seconds_total",
    "process_cgroup_memory_limit_bytes",
    "process_cgroup_memory_usage_bytes",
    "process_pressure_waiting_seconds_total",
    "system_cpu_steal_seconds_total",
}
_WITHOUT_SAMPLES = {
    "asyncio_tasks",
    "messaging_client_consumed_messages_total",
    "messaging_process_duration_seconds",
    "observekit_samples_rejected_total",
}

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Make = Callable[..., "Observed"]


def page(observed: "Observed", accept: bytes = b"text/plain") -> str:
    text: str = observed.client.get("/metrics", headers=((b"accept", accept),)).text
    return text


@pytest.fixture
def busy(observe: Make, monkeypatch: pytest.MonkeyPatch) -> "Observed":
    """Everything that a service can go through, so that every family has samples."""
    registry = CollectorRegistry()
    Counter("orders", "Orders.", ["shop"], registry=registry).labels('\ud800\n"\\').inc(3)
    registry.register(Broken())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "headers": []})
            return
        if scope["path"] == "/silent":
            return
        scope["route"], scope["endpoint"] = Route(scope["path"]), None
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        answered = perf_counter()
        while perf_counter() < answered + 2 * BACKGROUND_SECONDS:
            pass

    monkeypatch.setenv("OBSERVEKIT_LOG_LEVEL", "loud")
    observed = observe(
        app,
        registry=registry,
        series_limit=10,
        body_sizes=True,
        traces=True,
        traces_endpoint="http://127.0.0.1:9/v1/traces",
        traces_timeout_seconds=0.1,
        shutdown_budget_seconds=0.1,
        logs="own",
        logs_exporter="otlp",
        logs_endpoint="http://127.0.0.1:9/v1/logs",
    )
    for path in ["/silent", *(f"/{number}/\udcff" for number in range(12))]:
        observed.client.get(path)
    asyncio.run(observed.client.ask("/socket", kind="websocket"))
    observed.kit.readiness("db")(lambda: False)
    observed.client.get("/readyz")
    with operation("restock", every_seconds=86_400), observed.kit.lifecycle.startup_task("warm-up"):
        pass
    asyncio.run(observed.kit.flush())
    # Of an export there is nothing before the first try, which a busy machine may not come to in time.
    until(lambda: "observekit_export_duration_seconds_count{" in page(observed))
    return observed


class Route:
    """What Starlette leaves in the scope of a request."""

    def __init__(self, path: str) -> None:
        self.path = path


class Broken:
    """A collector that cannot collect."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def collect(self) -> Iterator[Any]:
        raise self.error or RuntimeError("no database")


def _type(spec: MetricSpec) -> str:
    if spec.kind == "stateset" or (spec.kind, spec.origin) == ("info", "prometheus_client"):
        return "gauge"
    return spec.kind


def test_the_page_has_the_families_of_the_catalogue_and_no_others(busy: "Observed") -> None:
    families = {
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""): family
        for family in parse_openmetrics(page(busy, OPENMETRICS))
        if family.name != "orders"
    }

    assert {name: family.type for name, family in families.items()} == {
        name: _type(spec) for name, spec in METRICS.items()
    }
    shown = {
        name: [{*sample.labels} - {"le"} for sample in family.samples] for name, family in families.items()
    }
    assert {name: labels for name, labels in shown.items() if labels} == {
        name: [set(spec.labels)] * len(shown[name])
        for name, spec in METRICS.items()
        if name not in _WITHOUT_SAMPLES and (name not in _OF_THE_KERNEL or shown[name])
    }


@pytest.mark.parametrize("accept", ACCEPTS.values(), ids=ACCEPTS)
def test_every_scraper_gets_a_page_that_it_can_read(busy: "Observed", accept: bytes) -> None:
    answer = busy.client.get("/metrics", headers=((b"accept", accept),))

    media = answer.headers["content-type"].partition(";")[0]
    families = list((parse_openmetrics if media.startswith("application/") else parse_text)(answer.text))
    assert answer.status == 200
    assert media == ("application/openmetrics-text" if b"version=1.0.0" in accept else media)
    assert len(families) >= len(METRICS)


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), StopIteration()],
    ids=lambda error: type(error).__name__,
)
def test_a_collector_that_would_end_the_server_costs_itself_only(
    observed: "Observed", error: BaseException
) -> None:
    observed.kit.registry.register(Broken(error))

    text = page(observed)

    assert text.count("# TYPE target_info gauge\n") == 1
    assert 'observekit_collector_errors_total{collector="Broken"} 1.0\n' in text


def test_the_threads_that_collectors_are_asked_on_end_with_the_kit(observed: "Observed") -> None:
    before = set(threading.enumerate())
    observed.kit.registry.register(Broken())
    page(observed)
    [thread] = [
        one for one in set(threading.enumerate()) - before if one.name.startswith("observekit-collect-Broken")
    ]

    observed.kit.shutdown()
    thread.join(LONG)

    assert not thread.is_alive()


def test_a_head_request_gets_the_headers_of_the_page_and_no_body(observed: "Observed") -> None:
    got, head = observed.client.get("/metrics"), observed.client.get("/metrics", method="HEAD")

    assert (head.status, head.body) == (200, b"")
    assert (
        head.headers["content-type"]
        == got.headers["content-type"]
        == "text/plain; version=0.0.4; charset=utf-8"
    )
    assert int(got.headers["content-length"]) == len(got.body)
    assert int(head.headers["content-length"]) > 0


def test_scrapes_and_probes_are_in_no_sample_of_the_service(observed: "Observed") -> None:
    for path in ("/livez", "/readyz", "/startupz", "/metrics") * 5:
        for method in ("GET", "HEAD", "POST"):
            observed.client.get(path, method=method)

    samples = re.findall(r"^http_server_.*", page(observed), re.MULTILINE)

    assert samples == []


def test_counters_with_known_labels_are_there_at_zero_before_anything_has_happened(
    observed: "Observed",
) -> None:
    closed = {
        name
        for name, spec in METRICS.items()
        if spec.kind == "counter"
        and spec.origin == "observekit"
        and spec.values.keys() == set(spec.labels)
        and name not in _OF_THE_KERNEL
        and not name.startswith("observekit_log_exports_")  # Only with an exporter.
    }

    there = {
        sample.name: sample.value
        for family in parse_text(page(observed))
        for sample in family.samples
        if sample.name in closed
    }

    assert there == dict.fromkeys(closed, 0.0)


def test_a_check_is_absent_until_it_has_run_and_a_scrape_does_not_run_it(observed: "Observed") -> None:
    asked: list[str] = []
    observed.kit.readiness("db")(lambda: asked.append("db"))
    before = [page(observed), page(observed)]

    observed.client.get("/readyz")
    after = page(observed, OPENMETRICS)  # A large page may be given again within a second, in its own format.

    status = 'observekit_health_check_status{check="db",criticality="required",probe="readiness"} 1.0'
    assert ["observekit_health_check_status{" in text for text in before] == [False, False]
    assert status in after.splitlines()
    assert asked == ["db"]


@pytest.mark.parametrize("state", ["starting", "ready", "draining", "stopped", "broken"])
def test_the_life_cycle_is_one_on_one_state(observed: "Observed", state: str) -> None:
    life = observed.kit.lifecycle
    {"starting": life.begin_startup, "draining": life.drain, "stopped": life.stop}.get(state, list)()
    if state == "broken":
        life.fail("out of memory")

    shown = dict(re.findall(r'^observekit_lifecycle_state{state="(.*)"} (.*)', page(observed), re.MULTILINE))

    states = ("starting", "ready", "draining", "stopped", "broken")
    assert shown == {one: "1.0" if one == state else "0.0" for one in states}


def test_only_sampled_requests_that_are_exported_leave_exemplars(observe: Make) -> None:
    observed = observe(
        traces=True, traces_endpoint="http://127.0.0.1:9/v1/traces", shutdown_budget_seconds=0.1
    )
    for trace, flags in ((b"02", b"00"), (b"01", b"01")):
        parent = b"00-" + trace * 16 + b"-" + trace * 8 + b"-" + flags
        observed.client.get("/", headers=((b"traceparent", parent),))

    exemplars = re.findall(r' # {span_id="\w{16}",trace_id="(\w*)"}', page(observed, OPENMETRICS))

    assert set(exemplars) == {"01" * 16}
    assert "trace_id" not in page(observed)


@pytest.mark.real
def test_promtool_finds_nothing_wrong_with_the_text(busy: "Observed") -> None:
    checked = subprocess.run(
        [_promtool(), "check", "metrics"],
        input=page(busy).encode(),
        capture_output=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.real
def test_the_openmetrics_parser_of_prometheus_reads_the_page(busy: "Observed", tmp_path: Path) -> None:
    lines = [_at_a_time(line) for line in page(busy, OPENMETRICS).splitlines()]
    (tmp_path / "page").write_text("\n".join([*lines, ""]), encoding="utf-8")

    made = subprocess.run(
        [_promtool(), "tsdb", "create-blocks-from", "openmetrics", tmp_path / "page", tmp_path / "blocks"],
        capture_output=True,
        check=False,
    )

    assert (made.returncode, made.stderr) == (0, b"")


def _at_a_time(line: str) -> str:
    """Give a sample the time that blocks are made of."""
    if line.startswith("#"):
        return line
    sample, mark, exemplar = line.partition(" # ")
    return f"{sample} 1700000000{mark}{exemplar}"


def _promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed")
    return found
