"""Every type of prometheus-client's metrics, in a worker and in the child that it forks."""

import json
from array import array
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from observekit.metrics.workers.aside import Helpers
from observekit.metrics.workers.client import ClientValues
from tests.workers.fleet import script

START = """
import json, os, sys, urllib.request
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary, values
from prometheus_client import disable_created_metrics
from observekit import setup

disable_created_metrics()
kit = setup(ops_port=0)

def told(*names, accept="text/plain"):
    request = urllib.request.Request(f"http://127.0.0.1:{kit.ops_port}/metrics", headers={"Accept": accept})
    page = urllib.request.urlopen(request).read().decode()
    return [line for line in page.splitlines() if line.startswith(names)]

def in_living_child(work):
    ready, done = os.pipe()
    stay, end = os.pipe()
    child = os.fork()
    if not child:
        os.close(end)
        try:
            work()
            os.write(done, b"1")
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        os.read(stay, 1)
        os._exit(0)
    os.close(done)
    assert os.read(ready, 1)
    return lambda: (os.write(end, b"1"), os.waitpid(child, 0))
"""


def told(source: str, tmp_path: Path) -> Any:
    return json.loads(script(START + source, tmp_path))


def test_gauges_go_across_workers_by_their_mode(tmp_path: Path) -> None:
    living, dead = told(
        """
modes = "all liveall min livemin max livemax sum livesum mostrecent livemostrecent".split()
gauges = [Gauge(f"g_{mode}", "A gauge.", multiprocess_mode=mode) for mode in modes]
for one in gauges:
    one.set(3)

def work():
    for one in gauges:
        one.set(1 if "max" not in one._name else 7)

end = in_living_child(work)
living = told("g_")
end()
print(json.dumps([sorted(living), sorted(told("g_"))]))
""",
        tmp_path,
    )

    assert living == [
        'g_all{worker="0"} 3.0',
        'g_all{worker="1"} 1.0',
        'g_liveall{worker="0"} 3.0',
        'g_liveall{worker="1"} 1.0',
        "g_livemax 7.0",
        "g_livemin 1.0",
        "g_livemostrecent 1.0",
        "g_livesum 4.0",
        "g_max 7.0",
        "g_min 1.0",
        "g_mostrecent 1.0",
        "g_sum 4.0",
    ]
    assert dead == [
        'g_all{worker="0"} 3.0',
        'g_liveall{worker="0"} 3.0',
        "g_livemax 3.0",
        "g_livemin 3.0",
        "g_livemostrecent 3.0",
        "g_livesum 3.0",
        "g_max 7.0",
        "g_min 1.0",
        "g_mostrecent 1.0",
        "g_sum 4.0",
    ]


def test_a_gauge_that_a_child_has_not_touched_is_its_parents(tmp_path: Path) -> None:
    assert told(
        """
lowest, everywhere = Gauge("lowest", "g", multiprocess_mode="min"), Gauge("everywhere", "g")
lowest.set(5)
everywhere.set(5)
end = in_living_child(Counter("things", "c").inc)
print(json.dumps(told("lowest", "everywhere")))
end()
""",
        tmp_path,
    ) == ["lowest 5.0", 'everywhere{worker="0"} 5.0']


def test_what_is_made_after_joining_is_shared_with_its_first_write(tmp_path: Path) -> None:
    assert told(
        """
def work():
    Counter("late", "c", ["k"]).labels("a").inc()
    Histogram("took", "h", buckets=(1, 2)).observe(1.5)
    Summary("weight", "s").observe(2)

in_living_child(work)()
print(json.dumps(told("late_total", "took", "weight")))
""",
        tmp_path,
    ) == [
        'late_total{k="a"} 1.0',
        'took_bucket{le="1.0"} 0.0',
        'took_bucket{le="2.0"} 1.0',
        'took_bucket{le="+Inf"} 1.0',
        "took_count 1.0",
        "took_sum 1.5",
        "weight_count 1.0",
        "weight_sum 2.0",
    ]


def test_what_is_infinite_or_no_number_is_told_as_prometheus_client_does(tmp_path: Path) -> None:
    same = told(
        """
from prometheus_client import REGISTRY, generate_latest
inf, nan = float("inf"), float("nan")
for name, value in (("infinite", inf), ("neither", nan)):
    Histogram(f"took_{name}", "h", buckets=(1, 2)).observe(value)
    Summary(f"weight_{name}", "s").observe(value)
    Counter(f"done_{name}", "c").inc(value)
    Gauge(f"level_{name}", "g", multiprocess_mode="livesum").set(value)
    in_living_child(lambda: None)()
names = ("took", "weight", "done", "level")
theirs = [line for line in generate_latest(REGISTRY).decode().splitlines() if line.startswith(names)]
print(json.dumps([theirs, told(*names)]))
""",
        tmp_path,
    )

    theirs, ours = same
    assert sorted(ours) == sorted(theirs)
    assert "took_neither_sum NaN" in ours


def test_a_series_that_is_removed_or_cleared_is_gone(tmp_path: Path) -> None:
    assert told(
        """
first, second = Counter("first", "c", ["k"]), Gauge("second", "g", ["k"], multiprocess_mode="max")
for name in "abc":
    first.labels(name).inc()
    second.labels(name).set(1)
end = in_living_child(lambda: first.labels("b").inc())
kept = first.labels("a")
first.remove("a")
second.clear()
first.remove("b")
kept.inc()
before = told("first_total", "second")
first.labels("a").inc(5)
print(json.dumps([before, sorted(told("first_total"))]))
end()
""",
        tmp_path,
    ) == [
        ['first_total{k="b"} 1.0', 'first_total{k="c"} 1.0'],
        ['first_total{k="a"} 5.0', 'first_total{k="b"} 1.0', 'first_total{k="c"} 1.0'],
    ]


def test_metrics_of_another_registry_are_nobody_elses(tmp_path: Path) -> None:
    assert told(
        """
mine, other = Counter("same", "c"), Counter("same", "c", registry=CollectorRegistry())
mine.inc()
in_living_child(lambda: None)()
late = Counter("same", "c", registry=CollectorRegistry())
other.inc(10)
late.inc(100)
print(json.dumps([told("same_total"), other._value.get(), late._value.get()]))
""",
        tmp_path,
    ) == [["same_total 1.0"], 10.0, 100.0]


def test_a_label_worker_of_a_users_gauge_is_left_to_him(tmp_path: Path) -> None:
    assert told(
        """
level = Gauge("level", "g", ["worker"])
level.labels("bee").set(1)
end = in_living_child(lambda: level.labels("bee").set(2))
print(json.dumps(sorted(told("level"))))
end()
""",
        tmp_path,
    ) == ['level{worker="bee",worker_slot="0"} 1.0', 'level{worker="bee",worker_slot="1"} 2.0']


def test_a_function_of_a_gauge_is_asked_in_every_worker(tmp_path: Path) -> None:
    assert told(
        """
import time
state = {"rows": 1}
rows = Gauge("rows", "g", multiprocess_mode="livesum")
rows.set_function(lambda: state["rows"])
Gauge("broken", "g").set_function(lambda: 1 / 0)
count = Counter("things", "c")

def work():
    state["rows"] = 41
    count.inc()

end = in_living_child(work)
deadline = time.monotonic() + 30
while told("rows") != ["rows 42.0"]:
    assert time.monotonic() < deadline
    time.sleep(0.02)
print(json.dumps(told("rows", "broken", "things_total")))
end()
""",
        tmp_path,
    ) == ["rows 42.0", "things_total 1.0"]


def test_info_is_there_once_and_enum_for_each_worker(tmp_path: Path) -> None:
    assert told(
        """
import time
build, door = Info("build", "i"), Enum("door", "e", states=["open", "shut"])
build.info({"commit": "a"})
count = Counter("things", "c")

def work():
    door.state("shut")
    count.inc()

end = in_living_child(work)
deadline = time.monotonic() + 30
while 'door{door="shut",worker="1"} 1.0' not in told("door"):
    assert time.monotonic() < deadline
    time.sleep(0.02)
build.info({"commit": "b", "dirty": "yes"})
print(json.dumps([sorted(told("build")), sorted(told("door"))]))
end()
""",
        tmp_path,
    ) == [
        ['build_info{commit="a"} 1.0', 'build_info{commit="b",dirty="yes"} 1.0'],
        [
            'door{door="open",worker="0"} 1.0',
            'door{door="open",worker="1"} 0.0',
            'door{door="shut",worker="0"} 0.0',
            'door{door="shut",worker="1"} 1.0',
        ],
    ]


def test_the_page_is_that_of_prometheus_client_for_one_worker(tmp_path: Path) -> None:
    same = told(
        """
from prometheus_client import REGISTRY, enable_created_metrics, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
enable_created_metrics()
counter = Counter("requests", 'he"lp\\n\\\\x', ["a", "b"])
counter.labels('x"y\\n', "\\\\").inc(5, exemplar={"trace_id": "abc"})
counter.labels("z", "é").inc(12345678)
Counter("plain", "h").inc()
Gauge("height", "h", ["l"], multiprocess_mode="max").labels("1").set(-1e9)
Gauge("highest", "h", multiprocess_mode="max").set(float("inf"))
Summary("size", "h", ["x"], unit="bytes").labels("1").observe(3)
histogram = Histogram("wait", "h", ["p"])
for number in range(3):
    histogram.labels(str(number)).observe(number, exemplar={"trace_id": f"t{number}"})
Histogram("below", "h", buckets=(-1, 0, 1)).observe(0.5)
Counter("empty", "h", ["nobody"])
Info("build", "h").info({"version": "1"})
mine = ("requests", "plain", "height", "highest", "size", "wait", "below", "build", "empty",)
mine += tuple(f"# {word} {name}" for name in mine for word in ("HELP", "TYPE", "UNIT"))
in_living_child(lambda: None)()
text = [line for line in generate_latest(REGISTRY).decode().splitlines() if line.startswith(mine)]
om = [line for line in generate_openmetrics(REGISTRY).decode().splitlines() if line.startswith(mine)]
openmetrics = "application/openmetrics-text"
dots = "application/openmetrics-text; version=1.0.0; escaping=dots"
dotted = choose_encoder(dots)[0](REGISTRY).decode().splitlines()
dotted = [line for line in dotted if line.startswith("wait")]
theirs = [text, om, dotted]
print(json.dumps([theirs, [told(*mine), told(*mine, accept=openmetrics), told("wait", accept=dots)]]))
""",
        tmp_path,
    )

    theirs, ours = same
    for their_page, our_page in zip(theirs, ours, strict=True):
        assert our_page == their_page


def test_a_sweep_compares_no_metric_with_all_others() -> None:
    compared = 0

    class Metric(Gauge):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return self is other

        __hash__ = Gauge.__hash__

    registry = CollectorRegistry()
    metrics = [Metric(f"g{number}", "A gauge.", registry=registry) for number in range(50)]
    shared, records = ClientValues(registry, lambda *_: None, Helpers()), dict[Any, Any]()
    try:
        shared.install(lambda shape, _: records.setdefault(shape, memoryview(array("d", bytes(16)))))
        compared = 0
        shared.sweep()
    finally:
        shared.undo()

    assert len(metrics) == 50
    assert compared <= len(metrics)
