"""Services that look alike, by release, by number or by place, leave each other's files alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from observekit.metrics.workers.place import Place

from .fleet import PROGRAM, ROOT, script
from .test_place import ended_group

pytestmark = [pytest.mark.once, pytest.mark.timeout(120)]

IN_A_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"]


def _can_have_namespaces() -> bool:
    try:
        return subprocess.run([*IN_A_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_workers_of_two_releases_in_one_service_each_show_their_own(tmp_path: Path) -> None:
    """As in a rolling restart, after which files are of another layout."""
    said = script(
        """
import json, multiprocessing, os, urllib.request

def serve(release, ready, go_on, told):
    from observekit.metrics.workers import layout
    layout.VERSION = release  # Before anybody has taken it over.
    from prometheus_client import Counter
    from observekit import setup
    kit = setup(ops_port=0, service_name="shop")
    Counter("sold", "Sold.").inc(release)
    ready.release()
    go_on.wait()
    if kit.ops_port is not None:
        page = urllib.request.urlopen(f"http://127.0.0.1:{kit.ops_port}/metrics").read().decode()
        errors = "observekit_internal_errors_total{component=\\"workers\\"}"
        names = "sold_total", errors, "observekit_degraded{"
        told.put([release, [line for line in page.splitlines() if line.startswith(names)]])

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    ready, go_on, told = context.Semaphore(0), context.Event(), context.Queue()
    workers = [
        context.Process(target=serve, args=(release, ready, go_on, told)) for release in (1, 1, 10)
    ]
    for one in workers:
        one.start()
    for _ in workers:
        assert ready.acquire(timeout=30)
    go_on.set()
    # A worker that is late takes the port over from one that has told and ended, and tells too.
    found = {}
    while len(found) < 2:
        release, lines = told.get(timeout=30)
        found[release] = lines
    print(json.dumps(sorted(found.items())))
    for one in workers:
        one.join(30)
""",
        tmp_path,
    )

    def page(total: str) -> list[str]:
        return [
            'observekit_degraded{component="workers"} 0.0',
            'observekit_internal_errors_total{component="workers"} 0.0',
            f"sold_total {total}",
        ]

    found = [[release, sorted(lines)] for release, lines in json.loads(said)]
    assert found == [[1, page("2.0")], [10, page("10.0")]]


@pytest.mark.skipif(not _can_have_namespaces(), reason="no pid namespace can be had here")
def test_the_next_service_with_the_same_process_ids_begins_at_zero(tmp_path: Path) -> None:
    """As containers have them, in which every service has pid 1, and which share a directory."""
    program = tmp_path / "service.py"
    program.write_text(
        PROGRAM
        + """
kit = setup(ops_port=0, service_name="shop")
pids = [os.getpid()]
for _ in range(2):
    child = os.fork()
    if not child:
        work("child")
        os.kill(os.getpid(), 9)
    pids.append(child)
    assert reaped(child) == -9
print(json.dumps([pids, told(kit, "jobs_total", "running")]), flush=True)
os._exit(0)  # So that it leaves its files.
"""
    )
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OBSERVEKIT_WORKER_DIRECTORY": str(tmp_path),
        "OBSERVEKIT_LOGS": "off",
        "OBSERVEKIT_TRACES": "off",
    }

    said = [
        json.loads(
            subprocess.run(
                [*IN_A_NAMESPACE, sys.executable, str(program)],
                env=environ,
                capture_output=True,
                timeout=60,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]

    assert said == [[said[0][0], ['jobs_total{by="child"} 4.0', "running 0.0"]]] * 2
    assert said[0][0][0] == 1


def test_what_a_service_has_left_in_another_place_is_removed_when_it_has_moved(tmp_path: Path) -> None:
    before, now = tmp_path / "before", tmp_path / "now"
    before.mkdir()
    now.mkdir()
    left = ended_group(before)

    Place(str(now), {"XDG_RUNTIME_DIR": str(before)}, list[BaseException]().append).of_starter()

    assert not left.exists()
