"""What is on the page of a worker beside plain sums: the metrics of siblings, readings, and disagreements."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from observekit.catalogue import metrics as catalogue
from observekit.catalogue import saturation
from observekit.metrics.exposition import Exposition
from observekit.metrics.store import Store
from observekit.metrics.workers.member import Member
from tests.workers.fleet import script

START = """
import json, os, sys, time, urllib.request
from opentelemetry import metrics
from opentelemetry.metrics import Observation
from prometheus_client import Counter
from observekit import setup

kit = setup(ops_port=0)
meter = metrics.get_meter("shop")

def told(*names):
    page = urllib.request.urlopen(f"http://127.0.0.1:{kit.ops_port}/metrics").read().decode()
    return sorted(line for line in page.splitlines() if line.startswith(names))

def until(found):
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline, told("sent", "open", "depth", "took")
        time.sleep(0.02)

def living_child(work):
    stay, end = os.pipe()
    child = os.fork()
    if not child:
        os.close(end)
        work()
        os.read(stay, 1)
        os._exit(0)
    return lambda: (os.write(end, b"1"), os.waitpid(child, 0))
"""


def told(source: str, tmp_path: Path) -> Any:
    return json.loads(script(START + source, tmp_path))


def test_opentelemetrys_metrics_go_across_workers_and_a_fork_doubles_nothing(tmp_path: Path) -> None:
    living, later = told(
        """
sent, opened = meter.create_counter("sent"), meter.create_up_down_counter("open")
took = meter.create_histogram("took", explicit_bucket_boundaries_advisory=[1.0])
meter.create_observable_gauge("depth", [lambda _: [Observation(os.getpid() == parent)]])
things, parent = Counter("things", "Things."), os.getpid()
sent.add(10)
opened.add(3)
took.record(0.5)

def work():
    things.inc()
    sent.add(1)
    opened.add(2)
    took.record(0.5)
    took.record(2)

end = living_child(work)
until(lambda: any(line.endswith(" 11.0") for line in told("sent_total")))
living = told("sent", "open", "depth", "took")
end()
until(lambda: len(told("depth")) == 1)
print(json.dumps([living, told("sent", "open", "depth", "took")]))
""",
        tmp_path,
    )

    shop = 'otel_scope_name="shop"'
    durations = [
        f'took_bucket{{le="+Inf",{shop}}} 3.0',
        f'took_bucket{{le="1.0",{shop}}} 2.0',
        f"took_count{{{shop}}} 3.0",
        f"took_sum{{{shop}}} 3.0",
    ]
    assert living == [
        f'depth{{{shop},worker="0"}} 1.0',
        f'depth{{{shop},worker="1"}} 0.0',
        f"open{{{shop}}} 5.0",
        f"sent_total{{{shop}}} 11.0",
        *durations,
    ]
    assert later == [
        f'depth{{{shop},worker="0"}} 1.0',
        f"open{{{shop}}} 3.0",
        f"sent_total{{{shop}}} 11.0",
        *durations,
    ]


def test_a_callback_of_opentelemetrys_that_hangs_costs_its_metrics_and_nobodys_page(tmp_path: Path) -> None:
    assert told(
        """
import threading
go_on = threading.Event()
things = Counter("things", "Things.")
end = living_child(things.inc)
meter.create_observable_gauge("depth", [lambda _: go_on.wait(60) and []])
until(lambda: told("observekit_collector_errors_total") != [])
print(json.dumps([told("things_total"), told("observekit_collector_errors_total")[0].partition("}")[0]]))
go_on.set()
end()
""",
        tmp_path,
    ) == [["things_total 1.0"], 'observekit_collector_errors_total{collector="OpenTelemetryMetrics"']


@pytest.fixture
def sibling(tmp_path: Path) -> Iterator[Callable[[Callable[[Store, CollectorRegistry], object]], None]]:
    """Start another worker, which lives until the test ends."""
    children: list[int] = []

    def start(work: Callable[[Store, CollectorRegistry], object]) -> None:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            with suppress(BaseException):
                worker = Worker(tmp_path)
                work(worker.store, worker.registry)
                worker.member.tend()
                os.write(writer, b"1")
                signal.pause()
            os._exit(1)
        os.close(writer)
        assert os.read(reader, 1)
        os.close(reader)
        children.append(child)

    yield start
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class Worker:
    """A worker in this process."""

    def __init__(self, directory: Path) -> None:
        self.registry = CollectorRegistry()
        self.store = Store(100)
        self.registry.register(self.store)
        self.failures: list[str] = []
        self.member = Member(
            self.store,
            self.registry,
            lambda name, error: self.failures.append(f"{name}: {error}"),
            lambda error: self.failures.append(str(error)),
        )
        self.left_out: list[str] = []
        self.member.differs = self.left_out.append
        self.member.join(directory / "group")
        self.exposition = Exposition(
            self.registry, lambda name, error: self.failures.append(f"{name}: {error}"), _ignore, self.member
        )

    def page(self, accept: str = "") -> list[str]:
        return self.exposition.render(accept).body.decode().splitlines()


def _ignore(_: float) -> None:
    """Do nothing."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    yield made
    made.exposition.close()
    made.member.leave()


Start = Callable[[Callable[[Store, CollectorRegistry], object]], None]


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0; escaping=dots"])
def test_a_family_that_only_a_sibling_has_is_on_the_page(worker: Worker, sibling: Start, accept: str) -> None:
    sibling(lambda _, registry: Counter("lonely", "Only there.", ["k"], registry=registry).labels("a").inc())

    shown = [line for line in worker.page(accept) if "lonely" in line and "_created" not in line]

    name = "lonely" if accept else "lonely_total"
    assert shown == [
        f"# HELP {name} Only there.",
        f"# TYPE {name} counter",
        'lonely__total{k="a"} 1.0' if accept else 'lonely_total{k="a"} 1.0',  # So dots are escaped.
    ]
    assert worker.failures == []


def test_buckets_of_another_release_are_left_out_and_said_once(worker: Worker, sibling: Start) -> None:
    sibling(lambda _, registry: Histogram("took", "t", buckets=(5,), registry=registry).observe(1))
    Histogram("took", "t", buckets=(1, 2), registry=worker.registry).observe(1.5)

    pages = [[line for line in worker.page() if line.startswith("took_bucket")] for _ in range(2)]

    buckets = ['took_bucket{le="1.0"} 0.0', 'took_bucket{le="2.0"} 1.0', 'took_bucket{le="+Inf"} 1.0']
    assert pages == [buckets, buckets]
    assert (worker.failures, worker.left_out) == ([], ["took"])


def test_a_family_of_one_process_shows_what_the_one_says_that_answers(worker: Worker, sibling: Start) -> None:
    sibling(lambda store, _: store.reading(saturation.STEAL, lambda: [((), 7.0)]))
    worker.store.reading(saturation.STEAL, lambda: [((), 1.0)])
    worker.store.reading(saturation.PYTHON_THREADS, lambda: [((), 3.0)])

    shown = [line for line in worker.page() if line.startswith(("system_", "python_threads"))]

    assert shown == [
        "system_cpu_steal_seconds_total 1.0",
        f'python_threads{{worker="{worker.member.slot}"}} 3.0',
    ]


def test_a_reading_that_has_nothing_to_say_any_more_is_gone_and_one_that_fails_too(worker: Worker) -> None:
    said: list[tuple[tuple[str, ...], float]] = [((), 3.0)]
    worker.store.reading(saturation.PYTHON_THREADS, lambda: said)
    worker.store.reading(saturation.ASYNCIO_TASKS, lambda: [((), 1 / 0)])
    line = 'python_threads{worker="0"} 3.0'
    before = line in worker.page()
    said.clear()
    after = line in worker.page()

    assert (before, after) == (True, False)
    assert worker.failures == ["asyncio_tasks: division by zero"] * 2


def test_exemplars_of_our_own_histograms_are_those_of_all_workers(worker: Worker, sibling: Start) -> None:
    labels = ("GET", "/a", "200")
    sibling(
        lambda store, _: (
            store.histogram(catalogue.REQUEST_DURATION).cell(*labels).observe(0.001, ("t1", "s1"))
        )
    )
    mine = worker.store.histogram(catalogue.REQUEST_DURATION).cell(*labels)
    mine.observe(20, ("t2", "s2"))

    lines = [line.partition("} ")[2] for line in worker.page("application/openmetrics-text") if "# {" in line]

    assert [line.rpartition(" ")[0] for line in lines] == [
        '1.0 # {span_id="s1",trace_id="t1"} 0.001',
        '2.0 # {span_id="s2",trace_id="t2"} 20.0',
    ]
