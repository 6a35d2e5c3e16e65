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
