"""A real collector that is held still, killed and started again under load: no span is unaccounted for."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from opentelemetry import trace
from prometheus_client import CollectorRegistry

from observekit import setup

from .conftest import LOOPBACK, free_port, until

pytestmark = [pytest.mark.real, pytest.mark.once]

rotel = pytest.importorskip("rotel", reason="the collector rotel is not installed")


class Collector:
    """rotel, which prints the spans that it gets."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self.ports = {"grpc": free_port(), "http/protobuf": free_port()}
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        agent = Path(rotel.__file__).with_name("rotel-agent")
        with self._output.open("ab") as file:
            self._running = subprocess.Popen(
                [
                    *(str(agent), "start", "--exporter", "blackhole"),
                    *("--otlp-grpc-endpoint", f"{LOOPBACK}:{self.ports['grpc']}"),
                    *("--otlp-http-endpoint", f"{LOOPBACK}:{self.ports['http/protobuf']}"),
                    *("--debug-log", "traces", "--debug-log-verbosity", "detailed"),
                ],
                stdout=file,
                stderr=file,
            )
        if self._running.poll() is not None or "error while loading" in self.text():
            pytest.skip("the collector rotel does not run here")

    def send(self, number: signal.Signals) -> None:
        assert self._running is not None
        os.kill(self._running.pid, number)
        if number is signal.SIGKILL:
            self._running.wait(30)

    def text(self) -> str:
        return self._output.read_text(errors="replace")

    def has(self, name: str) -> bool:
        return f": {name}\n" in self.text()

    def stop(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.kill()
            self._running.wait(30)


class Load:
    """Ends spans on and on, each with the name of what is happening and a number."""

    def __init__(self) -> None:
        self.during = "health"
        self.counts: dict[str, int] = {}
        self._ending = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        tracer = trace.get_tracer("load")
        while not self._ending.wait(0.002):
            during = self.during
            number = self.counts.get(during, 0)
            tracer.start_span(f"{during} {number}").end()
            self.counts[during] = number + 1

    def goes_through(self, what: str, spans: int) -> None:
        """Go on during *what*, for as many spans at least."""
        self.during = what
        until(lambda: self.counts.get(what, 0) >= spans)

    def stop(self) -> None:
        self._ending.set()
        self._thread.join(30)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path / "rotel.out")
    made.start()
    yield made
    made.stop()


@contextmanager
def load() -> Iterator[Load]:
    made = Load()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_no_span_is_lost_or_unaccounted_for(collector: Collector, protocol: str) -> None:
    if protocol == "grpc":
        pytest.importorskip("grpc", reason="grpcio is not installed")
    registry = CollectorRegistry()
    kit = setup(
        registry=registry,
        logs="off",
        traces_endpoint=f"http://{LOOPBACK}:{collector.ports[protocol]}/v1/traces",
        traces_protocol=protocol,
        traces_timeout_seconds=0.5,
        span_delay_seconds=0.05,
        shutdown_budget_seconds=20.0,
    )
    page: Callable[..., float] = lambda *asked: registry.get_sample_value(*asked) or 0.0  # noqa: E731 -- short
    try:
        with load() as busy:
            busy.goes_through("health", 50)
            until(lambda: collector.has("health 0"))
            collector.send(signal.SIGSTOP)
            busy.goes_through("silence", 300)  # Longer than a request may take.
            collector.send(signal.SIGCONT)
            until(lambda: collector.has("silence 299"))
            collector.send(signal.SIGKILL)
            busy.goes_through("absence", 300)
            collector.start()
            until(lambda: collector.has("absence 299"))
        ended = sum(busy.counts.values())
        until(lambda: page("observekit_spans_waiting") == 0)
        exported = page("observekit_spans_total", {"outcome": "exported"})

        assert (page("observekit_spans_ended_total"), exported) == (ended, ended)
    finally:
        kit.shutdown()
    printed = collector.text()
    missing = [
        f"{during} {number}"
        for during, spans in busy.counts.items()
        for number in range(spans)
        if f": {during} {number}\n" not in printed
    ]
    # What it has confirmed in the instant before it is killed goes with it.
    assert [name for name in missing if not name.startswith("silence")] == []
