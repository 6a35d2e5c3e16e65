"""A process that is alone, or alone again, has nothing of what several workers need."""

import json
from pathlib import Path

import pytest

from tests.workers.fleet import PROGRAM, files, script

pytestmark = pytest.mark.timeout(120)


def test_a_process_alone_has_no_file_no_thread_and_changes_nothing(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
JOBS.labels("me").inc()
shown = told(kit, "jobs_total", "observekit_worker_files", "observekit_degraded{", "python_threads")
import subprocess; subprocess.run(["true"])  # No fork of ours.
print(json.dumps([
    shown, [one.name for one in threading.enumerate() if "workers" in one.name],
    values.ValueClass is values.MutexValue, type(JOBS.labels("me")._value) is values.MutexValue,
    sorted(name for name in sys.modules if name.startswith("multiprocessing.")),
    kit.config.worker_directory,
]))
""",
            tmp_path,
        )
    )

    shown, threads, class_is_theirs, value_is_theirs, _, directory = found
    assert shown == [
        'jobs_total{by="me"} 1.0',
        'observekit_degraded{component="workers"} 0.0',
        "observekit_worker_files 0.0",
        "python_threads 2.0",
    ]
    assert (threads, class_is_theirs, value_is_theirs) == ([], True, True)
    assert directory == str(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


def test_the_next_setup_of_a_process_that_had_workers_begins_at_zero(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PROGRAM
            + """
registry = prometheus_client.CollectorRegistry()
kit = setup(ops_port=0, registry=registry)
counter = Counter("things", "Things.", registry=registry)
counter.inc(3)
if not (child := os.fork()):
    os._exit(0)
reaped(child)
kit.shutdown()
assert type(counter._value) is values.MutexValue and values.ValueClass is values.MutexValue
registry = prometheus_client.CollectorRegistry()
kit = setup(ops_port=0, registry=registry)
Counter("things", "Things.", registry=registry).inc()
print(json.dumps([counter._value.get(), told(kit, "things_total")]))
""",
            tmp_path,
        )
    )

    assert found == [3.0, ["things_total 1.0"]]
    assert files(tmp_path) == []


def test_the_mode_of_prometheus_client_that_a_user_has_chosen_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "theirs"
    directory.mkdir()
    found = json.loads(
        script(
            PROGRAM
            + """
theirs = values.ValueClass
kit = setup(ops_port=0)
work("parent")
if not (child := os.fork()):
    work("child")
    os._exit(0)
reaped(child)
shown = told(kit, "jobs_total", "observekit_worker_files")
print(json.dumps([values.ValueClass is theirs, sorted(os.listdir(sys.argv[1])) != [], shown]))
""",
            tmp_path,
            str(directory),
            PROMETHEUS_MULTIPROC_DIR=str(directory),
        )
    )

    assert found == [True, True, ['jobs_total{by="parent"} 2.0', "observekit_worker_files 3.0"]]


def test_what_a_service_has_left_is_removed_by_the_next_start_of_any_service(
    tmp_path: Path,
) -> None:
    begin = """
import os, sys
from observekit.metrics.workers.place import Place

print(Place(sys.argv[1], {}, print, sys.argv[2]).of_starter())
"""
    first = Path(script(begin, tmp_path, str(tmp_path), "orders").strip())
    was_there = first.is_dir()
    second = Path(script(begin, tmp_path, str(tmp_path), "stock").strip())

    assert (was_there, first.exists(), second.is_dir()) == (True, False, True)
    assert first.parent != second.parent
