"""What a forked child counts first makes it a worker, whichever of its threads counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from observekit.metrics.workers.values import value_class
from tests.workers.fleet import PROGRAM, script

pytestmark = pytest.mark.timeout(120)


def found(source: str, tmp_path: Path) -> Any:
    return json.loads(script(PROGRAM + source, tmp_path))


def test_two_threads_of_a_child_that_count_first_at_once_both_count(tmp_path: Path) -> None:
    assert found(
        """
from observekit.metrics.workers.group import Group

first, second = Counter("first", "One."), Counter("second", "Another.")
kit = setup(ops_port=0)
ready, done = os.pipe()
stay, end = os.pipe()
child = os.fork()
if not child:
    joining, counted = threading.Event(), threading.Event()
    join = Group.join

    def slow(group):
        joining.set()
        assert counted.wait(20)
        join(group)

    Group.join = slow
    thread = threading.Thread(target=first.inc)
    thread.start()
    assert joining.wait(20)
    second.inc()
    counted.set()
    thread.join()
    os.write(done, b"1")
    os.read(stay, 1)
    os._exit(0)
assert os.read(ready, 1)
os.write(end, b"1")
assert reaped(child) == 0
print(json.dumps(told(kit, "first_total", "second_total")))
""",
        tmp_path,
    ) == ["first_total 1.0", "second_total 1.0"]


def test_a_first_count_that_cannot_be_shared_is_counted_all_the_same_and_tried_again() -> None:
    told: list[Exception] = []

    def bind(*_: object) -> None:
        raise KeyError("a metric that is just being taken away")

    value: Any = value_class(bind, told.append)("counter", "jobs", "jobs_total", (), (), "Jobs.")
    value.inc(2)
    value.inc(3)

    assert value.get() == 5.0
    assert [type(error) for error in told] == [KeyError, KeyError]


def test_a_child_that_ends_the_kit_before_it_counts_has_prometheus_clients_own_values(tmp_path: Path) -> None:
    assert found(
        """
kit = setup(ops_port=0)
telling, told_by = os.pipe()
reading = os.fork()  # The parent is a worker now.
if not reading:
    kit.shutdown()
    JOBS.labels("late").inc()
    late = Counter("late", "Made after the end.")
    late.inc()
    kinds = {type(one).__name__ for one in (JOBS.labels("late")._value, late._value, RUNNING._value)}
    own = values.ValueClass is values.MutexValue
    os.write(told_by, json.dumps([sorted(kinds), own, hasattr(late._value, "_record")]).encode())
    os._exit(0)
assert reaped(reading) == 0
print(os.read(telling, 1000).decode())
""",
        tmp_path,
    ) == [["MutexValue"], True, False]
