"""Processes that fork or spawn for themselves count together."""

import json
from pathlib import Path

import pytest

from tests.workers import forks
from tests.workers.fleet import PROGRAM, groups, script

pytestmark = [pytest.mark.timeout(120), pytest.mark.once]


def test_a_parent_tells_what_its_forked_children_have_counted(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
work("parent")
for name in ("first", "second"):
    child = os.fork()
    if not child:
        work(name)
        os._exit(0)
    assert reaped(child) == 0
print(json.dumps(told(kit, "jobs_total", "running")))
""",
            tmp_path,
        )
    )

    assert sorted(found) == [
        'jobs_total{by="first"} 2.0',
        'jobs_total{by="parent"} 2.0',
        'jobs_total{by="second"} 2.0',
        "running 1.0",
    ]
    assert groups(tmp_path) == []  # The parent has ended in order, and there is nobody left.


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_count_with_their_parent(tmp_path: Path, method: str) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
def main(method):
    kit = setup(ops_port=0)
    work("parent")
    context = multiprocessing.get_context(method)
    children = [context.Process(target=child, args=(name,)) for name in ("first", "second")]
    for one in children:
        one.start()
    for one in children:
        one.join()
        assert one.exitcode == 0
    until(lambda: len(told(kit, "jobs_total")) == 3)
    print(json.dumps(sorted(told(kit, "jobs_total", "running"))))

def child(name):
    setup(ops_port=0)
    work(name)

if __name__ == "__main__":
    main(sys.argv[1])
""",
            tmp_path,
            method,
        )
    )

    assert found == [
        'jobs_total{by="first"} 2.0',
        'jobs_total{by="parent"} 2.0',
        'jobs_total{by="second"} 2.0',
        "running 1.0",
    ]


@pytest.mark.once
def test_forks_beside_threads_that_count_log_trace_and_scrape_leave_no_child_stuck_and_lose_no_count(
    tmp_path: Path,
) -> None:
    assert forks.run(10, tmp_path) == (0, [])


def test_a_grandchild_counts_with_all_of_them(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
child = os.fork()
if not child:
    grandchild = os.fork()
    if not grandchild:
        work("grandchild")
        os._exit(0)
    assert reaped(grandchild) == 0
    work("child")
    os._exit(0)
assert reaped(child) == 0
print(json.dumps(told(kit, "jobs_total", "running")))
""",
            tmp_path,
        )
    )

    assert sorted(found) == [
        'jobs_total{by="child"} 2.0',
        'jobs_total{by="grandchild"} 2.0',
        "running 0.0",
    ]


def test_a_child_that_counts_nothing_makes_no_file(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
child = os.fork()
if not child:
    os._exit(0)
assert reaped(child) == 0
import glob
names = [os.path.basename(name) for name in glob.glob(sys.argv[1] + "/observekit-*/*/*")]
print(json.dumps(sorted(name.partition("-")[0] for name in names if name.endswith(".values"))))
""",
            tmp_path,
            str(tmp_path),
        )
    )

    assert found == ["0"]


def test_services_that_one_program_starts_are_not_added_up(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
def serve(name, answer, go_on):
    kit = setup(service_name=name, ops_port=0)
    work(name)
    answer.put(None)
    go_on.wait()
    answer.put(told(kit, "jobs_total"))

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    answer, go_on = context.Queue(), context.Event()
    for name in ("orders", "stock"):
        context.Process(target=serve, args=(name, answer, go_on)).start()
    answer.get(), answer.get()
    go_on.set()
    print(json.dumps(sorted([answer.get(), answer.get()])))
""",
            tmp_path,
        )
    )

    assert found == [['jobs_total{by="orders"} 2.0'], ['jobs_total{by="stock"} 2.0']]


def test_a_reload_with_other_buckets_shows_the_new_ones_and_is_no_error(tmp_path: Path) -> None:
    said = script(
        PROGRAM
        + """
kit = setup(ops_port=0)

def child(bounds, stay):
    ready, done = os.pipe()
    pid = os.fork()
    if not pid:
        Histogram("took", "t", buckets=bounds).observe(0.5)
        os.write(done, b"1")
        os.read(stay, 1)
        os._exit(0)
    assert os.read(ready, 1)
    return pid

stay, end = os.pipe()
os.write(end, b"1")
assert reaped(child((5,), stay)) == 0
reloaded = child((1, 2), stay)
for _ in range(2):
    print(json.dumps(told(kit, "took_bucket", "observekit_internal_errors_total")))
os.write(end, b"1")
assert reaped(reloaded) == 0
""",
        tmp_path,
        OBSERVEKIT_LOGS="on",
    ).splitlines()

    logged = [json.loads(line) for line in said if line.startswith("{")]
    pages = [json.loads(line) for line in said if line.startswith("[")]
    buckets = ['took_bucket{le="1.0"} 1.0', 'took_bucket{le="2.0"} 1.0', 'took_bucket{le="+Inf"} 1.0']
    assert [[line for line in page if line.startswith("took")] for page in pages] == [buckets, buckets]
    assert [line for page in pages for line in page if "internal" in line and not line.endswith(" 0.0")] == []
    left_out = [(one["level"], one["metric"], one["reason"]) for one in logged if "left_out" in one["event"]]
    assert left_out == [("info", "took", "differs_in_worker")]
