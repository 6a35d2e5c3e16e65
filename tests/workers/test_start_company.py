"""When a process that forks becomes one of several, what it leaves, and who is of another service."""

import json
from pathlib import Path

import pytest

from tests.workers.fleet import PROGRAM, script

pytestmark = [pytest.mark.timeout(120), pytest.mark.once]


def test_a_fork_whose_child_counts_nothing_changes_nothing_on_the_page(tmp_path: Path) -> None:
    before, after, counted = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
work("parent")

def series():
    return sorted(line.rsplit(" ", 1)[0] for line in page(kit).splitlines() if not line.startswith("#"))

page(kit)
pages = [series()]
for counts in (False, True):
    child = os.fork()
    if not child:
        if counts:
            work("child")
        os._exit(0)
    assert reaped(child) == 0
    pages.append(series())
print(json.dumps(pages))
""",
            tmp_path,
        )
    )

    assert before == after
    assert [line for line in after if "worker=" in line] == []
    assert {'process_open_fds{worker="0"}', 'jobs_total{by="child"}'} <= set(counted)


def test_a_process_that_only_starts_others_shows_no_life_cycle_beside_theirs(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
ready, done = os.pipe()
stay, end = os.pipe()
child = os.fork()
if not child:
    kit.lifecycle.begin_startup()
    kit.lifecycle.finish_startup("told to")
    work("child")
    kit.lifecycle.drain("told to")
    os.write(done, b"1")
    os.read(stay, 1)
    os._exit(0)
assert os.read(ready, 1)
states = 'observekit_lifecycle_state{state="draining"', 'observekit_lifecycle_state{state="starting"'
until(lambda: told(kit, *states) and '"draining",worker="1"} 1.0' in page(kit))
print(json.dumps(sorted(told(kit, *states))))
os.write(end, b"1")
assert reaped(child) == 0
""",
            tmp_path,
        )
    )

    assert found == [
        'observekit_lifecycle_state{state="draining",worker="1"} 1.0',
        'observekit_lifecycle_state{state="starting",worker="1"} 0.0',
    ]


def test_cycles_of_setup_fork_and_shutdown_leave_no_descriptor_and_no_directory(tmp_path: Path) -> None:
    first, last, left = json.loads(
        script(
            PROGRAM
            + """
def cycle():
    kit = setup(ops_port=0)
    work("parent")
    child = os.fork()
    if not child:
        work("child")
        os._exit(0)
    assert reaped(child) == 0
    told(kit, "jobs_total")
    kit.shutdown()
    descriptors = [f"/dev/fd/{one}" for one in os.listdir("/dev/fd")]
    return sorted(os.readlink(one) for one in descriptors if os.path.exists(one))

found = [cycle() for _ in range(4)]
print(json.dumps([found[0], found[-1], os.listdir(sys.argv[1])]))
""",
            tmp_path,
            str(tmp_path),
        )
    )

    assert last == first
    assert [path for path in first if "observekit-" in path] == []
    assert left == ["program.py"]


SERVICE = """
from observekit import setup
def begin(prepare):
    prepare()
    return setup(ops_port=0)
"""


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ("never", [['jobs_total{by="orders"} 2.0'], ['jobs_total{by="stock"} 2.0']]),
        ("before", [['jobs_total{by="orders"} 2.0', 'jobs_total{by="stock"} 2.0']] * 2),
    ],
)
def test_services_without_a_name_are_those_that_one_file_or_their_parent_sets_up(
    tmp_path: Path, parent: str, expected: list[list[str]]
) -> None:
    for name in ("orders", "stock"):
        (tmp_path / f"{name}.py").write_text(SERVICE)

    found = json.loads(
        script(
            PROGRAM
            + """
def serve(name, answer, go_on):
    kit = __import__(name).begin(lambda: None)
    work(name)
    answer.put(None)
    go_on.wait()
    answer.put(sorted(told(kit, "jobs_total")))

if __name__ == "__main__":
    if sys.argv[1] == "before":
        setup(ops_port=0)
    context = multiprocessing.get_context("spawn")
    answer, go_on = context.Queue(), context.Event()
    for name in ("orders", "stock"):
        context.Process(target=serve, args=(name, answer, go_on)).start()
    answer.get(), answer.get()
    go_on.set()
    print(json.dumps(sorted([answer.get(), answer.get()])))
""",
            tmp_path,
            parent,
        )
    )

    assert found == expected


def test_a_reload_with_other_labels_shows_the_new_ones_only(tmp_path: Path) -> None:
    said = script(
        PROGRAM
        + """
kit = setup(ops_port=0)

def child(label, stay):
    ready, done = os.pipe()
    pid = os.fork()
    if not pid:
        Counter("sold", "s", [label]).labels("tea").inc()
        os.write(done, b"1")
        os.read(stay, 1)
        os._exit(0)
    assert os.read(ready, 1)
    return pid

stay, end = os.pipe()
os.write(end, b"1")
assert reaped(child("what", stay)) == 0
before = told(kit, "sold_total")
reloaded = child("kind", stay)
# In one piece: a line of the log may come between two.
print(json.dumps([before, told(kit, "sold_total")]) + "\\n", end="")
os.write(end, b"1")
assert reaped(reloaded) == 0
""",
        tmp_path,
        OBSERVEKIT_LOGS="on",
    ).splitlines()

    (pages,) = (json.loads(line) for line in said if line.startswith("["))
    logged = [json.loads(line) for line in said if line.startswith("{")]
    assert pages == [['sold_total{what="tea"} 1.0'], ['sold_total{kind="tea"} 1.0']]
    left_out = [(one["metric"], one["reason"]) for one in logged if "left_out" in one["event"]]
    assert left_out == [("sold", "differs_in_worker")]


def test_operations_count_together_whatever_labels_each_has(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
from observekit import operation
kit = setup(ops_port=0)

def bake(**labels):
    with operation("bake", labels=labels):
        pass

bake()
bake(what="bread")
for _ in range(2):
    child = os.fork()
    if not child:
        bake(what="bread")
        bake(oven="2")
        os._exit(0)
    assert reaped(child) == 0
bake(what="bread")
print(json.dumps(sorted(one for one in told(kit, "operation_duration_seconds_count") if one[-3:] != "0.0")))
""",
            tmp_path,
        )
    )

    count = 'operation_duration_seconds_count{operation="bake",outcome="ok"'
    assert found == sorted([f"{count}}} 1.0", f'{count},oven="2"}} 2.0', f'{count},what="bread"}} 4.0'])
