"""Functions of the user's that a page asks: whatever they do, it costs their own series only."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workers.fleet import PROGRAM, script

pytestmark = pytest.mark.timeout(120)


def found(source: str, tmp_path: Path) -> Any:
    return json.loads(script(PROGRAM + source, tmp_path))


def test_a_fork_runs_no_function_so_that_one_may_take_what_whoever_forks_holds(tmp_path: Path) -> None:
    assert found(
        """
lock, queue = threading.Lock(), [1, 2, 3]
waiting = Gauge("waiting", "Jobs that wait.", multiprocess_mode="livesum")

def length():
    with lock:
        return len(queue)

waiting.set_function(length)
door = prometheus_client.Enum("door", "A door.", states=["open", "shut"])
kit = setup(ops_port=0)
for _ in range(2):  # The first makes this process a worker; the other finds it to be one.
    with lock, door._lock:
        child = os.fork()
    if not child:
        work("child")
        os._exit(0)
    assert reaped(child) == 0
print(json.dumps(told(kit, "waiting", "jobs_total")))
""",
        tmp_path,
    ) == ['jobs_total{by="child"} 4.0', "waiting 3.0"]


def test_a_function_that_takes_long_is_shown_with_what_it_said_and_hangs_no_other(tmp_path: Path) -> None:
    assert found(
        """
answers = threading.Semaphore(1)
slow = Gauge("slow", "Late.", multiprocess_mode="sum")
quick = Gauge("quick", "At once.", multiprocess_mode="sum")

def late():
    answers.acquire()
    return 7

slow.set_function(late)
quick.set_function(lambda: 5)
kit = setup(ops_port=0)
child = os.fork()
if not child:
    work("child")
    os._exit(0)
assert reaped(child) == 0
until(lambda: told(kit, "observekit_collector_errors_total{collector=\\"Gauge\\"") != [])
print(json.dumps(sorted(told(kit, "slow", "quick", "jobs_total"))))
answers.release(100)
""",
        tmp_path,
    ) == ['jobs_total{by="child"} 2.0', "quick 5.0", "slow 7.0"]


def test_hundreds_of_functions_are_asked_by_one_thread_which_ends_with_the_kit(tmp_path: Path) -> None:
    assert found(
        """
askers, calls = set(), []

def told_by(number):
    def told():
        askers.add(threading.current_thread())  # Kept, so that no other gets its place in memory.
        calls.append(number)
        return number
    return told

gauges = [Gauge(f"asked_{number}", "Asked.", multiprocess_mode="livesum") for number in range(100)]
for number, gauge in enumerate(gauges):
    gauge.set_function(told_by(number))
kit = setup(ops_port=0)
child = os.fork()
if not child:
    work("child")
    os._exit(0)
assert reaped(child) == 0
until(lambda: len(calls) >= 200)
few = len(askers) < 10, set(calls) == set(range(100))
kit.shutdown()
until(lambda: not any(one.is_alive() for one in askers))
print(json.dumps(few))
""",
        tmp_path,
    ) == [True, True]


def test_who_forks_while_functions_hang_has_nothing_of_opentelemetrys_counted_twice(tmp_path: Path) -> None:
    assert found(
        """
from opentelemetry import metrics

asked, go_on = threading.Event(), threading.Event()
stay, end = os.pipe()
kit = setup(ops_port=0)
sent = metrics.get_meter("shop").create_counter("sent")
child = os.fork()
if not child:
    work("child")
    os._exit(0)
assert reaped(child) == 0

def late():
    asked.set()
    go_on.wait(60)
    return 1

gauges = [Gauge(f"late_{number}", "Late.", multiprocess_mode="livesum") for number in range(5)]
for gauge in gauges:
    gauge.set_function(late)
assert asked.wait(30)  # Whoever asks waits for some seconds from now on.
sent.add(5)
child = os.fork()
if not child:
    sent.add(1)
    work("child")
    os.read(stay, 1)
    os._exit(0)
until(lambda: told(kit, "jobs_total")[0].endswith(" 4.0") and not told(kit, "sent_total")[0].endswith(" 5.0"))
print(json.dumps(told(kit, "sent_total")))
os.write(end, b"1")
assert reaped(child) == 0
go_on.set()
""",
        tmp_path,
    ) == ['sent_total{otel_scope_name="shop"} 6.0']


def test_a_worker_with_too_long_labels_is_seen_to_be_degraded_on_the_page_of_another(tmp_path: Path) -> None:
    assert (
        found(
            """
kit = setup(ops_port=0)
stay, end = os.pipe()
ready, done = os.pipe()
child = os.fork()
if not child:
    work("x" * 100_000)
    os.write(done, b"1")
    os.read(stay, 1)
    os._exit(0)
assert os.read(ready, 1)
until(lambda: told(kit, "observekit_degraded{") == ['observekit_degraded{component="workers"} 1.0'])
os.write(end, b"1")
assert reaped(child) == 0
until(lambda: told(kit, "observekit_degraded{") == ['observekit_degraded{component="workers"} 0.0'])
print(json.dumps(told(kit, "jobs_total")))
""",
            tmp_path,
        )
        == []
    )
