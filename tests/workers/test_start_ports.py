"""The ops port answers for all workers while any of them lives; so does a parent that serves no web page."""

import json
import socket
import sys
from pathlib import Path

import pytest

from tests.workers.fleet import Fleet, Page, free_port, kill, run, script, serving, until

pytestmark = [pytest.mark.timeout(120), pytest.mark.once]


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn preload"])
def test_the_ops_port_passes_on_when_the_worker_that_has_it_is_killed(server: str, tmp_path: Path) -> None:
    port = free_port()
    with serving(server, tmp_path, OBSERVEKIT_OPS_PORT=str(port)) as fleet:
        ops = Fleet(fleet.process, port)
        pids = fleet.workers(2)
        fleet.get("/count")
        told = until(lambda: Page(ops.get("/metrics")))
        assert told.value("orders_total") == 1
        owner = owner_of(port, pids | {fleet.process.pid})
        if owner == fleet.process.pid:  # A parent that was set up before it forked has it, and keeps it.
            return
        kill(owner)
        until(lambda: owner_of(port, fleet.workers(2) | {fleet.process.pid}) not in {0, owner})
        assert until(lambda: Page(ops.get("/metrics"))).value("orders_total") == 1

    assert "ops_port_unavailable" not in (tmp_path / "log").read_text()


def test_an_orphan_leaves_the_ops_port_to_the_next_start_of_the_service(tmp_path: Path) -> None:
    port, program = free_port(), tmp_path / "program.py"
    # The child has the port before its parent ends, so that it has to give it up.
    program.write_text(PREFORK + "kit.ops.stop(5.0)\nkit.ops.port = 1\nworker(5)\nsignal.pause()\n")
    with run([sys.executable, str(program)], tmp_path, OBSERVEKIT_OPS_PORT=str(port)) as process:
        ops = Fleet(process, port)
        until(lambda: Page(ops.get("/metrics")).value("jobs_total") == 5)
        kill(process.pid)
        process.wait()

        def is_free() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) != 0

        until(is_free)
        program.write_text(PREFORK + "JOBS.inc(7)\nsignal.pause()\n")
        with run([sys.executable, str(program)], tmp_path, OBSERVEKIT_OPS_PORT=str(port)):
            assert until(lambda: Page(ops.get("/metrics")).value("jobs_total")) == 7

    assert "ops_port_unavailable" not in (tmp_path / "log").read_text()


def test_a_daemon_that_was_set_up_before_it_left_keeps_the_ops_port(tmp_path: Path) -> None:
    port, program = free_port(), tmp_path / "program.py"
    program.write_text(PREFORK + DAEMON)
    with run([sys.executable, str(program)], tmp_path, OBSERVEKIT_OPS_PORT=str(port)) as process:
        process.wait(20)
        ops = Fleet(process, port)
        try:
            assert until(lambda: Page(ops.get("/metrics")).value("jobs_total")) == 5
        finally:
            kill(int(until((tmp_path / "pid").read_text)))


def test_a_service_alone_gets_the_ops_port_when_it_is_free_at_last(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PREFORK + "JOBS.inc(3)\nsignal.pause()\n")
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        with run([sys.executable, str(program)], tmp_path, OBSERVEKIT_OPS_PORT=str(port)) as process:
            until(lambda: "observekit.ops_port_unavailable" in (tmp_path / "log").read_text())
            foreign.close()
            assert until(lambda: Page(Fleet(process, port).get("/metrics")).value("jobs_total")) == 3


def test_workers_are_warned_of_a_program_that_is_none_of_them(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = str(foreign.getsockname()[1])
        with serving("uvicorn", tmp_path, OBSERVEKIT_OPS_PORT=port) as fleet:
            fleet.workers(2)
            log = (tmp_path / "log").read_text()

    assert log.count("observekit.ops_port_unavailable") == 2
    assert "as by another worker" not in log


@pytest.mark.parametrize("more", [[], ["--threads=2"], ["--preload"]], ids=["sync", "threads", "preload"])
def test_workers_without_a_loop_are_read_on_the_ops_port(more: list[str], tmp_path: Path) -> None:
    port, ops_port = free_port(), free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "tests.workers.wsgi_service:app", "--workers=2"),
        *(f"--bind=127.0.0.1:{port}", *more),
    ]
    with run(command, tmp_path, OBSERVEKIT_OPS_PORT=str(ops_port)) as process:
        fleet, ops, asked = Fleet(process, port), Fleet(process, ops_port), 0
        pids: set[str] = set()
        while len(pids) < 2:
            pids.add(until(lambda: fleet.get("/")))
            asked += 1
        page = until(lambda: Page(ops.get("/metrics")))

    assert page.value("hits_total") == asked


def owner_of(port: int, pids: set[int]) -> int:
    """Return which of *pids* listens on *port*; 0 if none does."""
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    }
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                what = str(descriptor.readlink())
            except OSError:
                continue
            if what.removeprefix("socket:[").removesuffix("]") in inodes:
                return pid
    return 0


PREFORK = """
import json, os, signal, sys, time, urllib.request
from prometheus_client import Counter
from observekit import setup

JOBS = Counter("jobs", "Jobs done.")
kit = setup(**({} if "OBSERVEKIT_OPS_PORT" in os.environ else {"ops_port": 0}))

def page():
    return urllib.request.urlopen(f"http://127.0.0.1:{kit.ops_port}/metrics").read().decode()

def told(*names):
    return [line for line in page().splitlines() if line.startswith(names)]

def until(found):
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline, told("jobs", "observekit_w")
        time.sleep(0.02)

def worker(jobs):
    child = os.fork()
    if not child:
        for _ in range(jobs):
            JOBS.inc()
        signal.pause()
    return child

def end(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


DAEMON = """
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
open(os.path.dirname(__file__) + "/pid", "w").write(str(os.getpid()))
JOBS.inc(5)
signal.pause()
"""


def test_a_prefork_parent_serves_the_sum_of_its_workers_whatever_dies(tmp_path: Path) -> None:
    found = json.loads(
        script(
            PREFORK
            + """
children = [worker(100) for _ in range(3)]
until(lambda: told("jobs_total") == ["jobs_total 300.0"])
for child in children:
    end(child)
    assert told("jobs_total") == ["jobs_total 300.0"]
last = worker(1)
until(lambda: told("jobs_total") == ["jobs_total 301.0"])
until(lambda: int(float(told("observekit_worker_files ")[0].split()[1])) <= 7)
print(json.dumps(sorted(told("python_threads{"))))
end(last)
""",
            tmp_path,
        )
    )

    assert [line.partition(" ")[0] for line in found] == [
        'python_threads{worker="0"}',
        'python_threads{worker="1"}',
    ]


def test_workers_go_on_alone_without_a_directory_and_say_when_it_is_there_again(tmp_path: Path) -> None:
    logged = script(
        PREFORK
        + """
import glob, shutil
child = worker(5)
until(lambda: told("jobs_total") == ["jobs_total 5.0"])
group, = glob.glob(sys.argv[1] + "/observekit-*/*-*")
shutil.rmtree(group)
open(group, "w").close()  # A file stands in the way.
until(lambda: told("observekit_degraded{") == ['observekit_degraded{component="workers"} 1.0'])
JOBS.inc()
assert told("jobs_total") in (["jobs_total 1.0"], ["jobs_total 6.0"]), told("jobs_total")
os.unlink(group)
until(lambda: told("observekit_degraded{") == ['observekit_degraded{component="workers"} 0.0'])
until(lambda: told("jobs_total") == ["jobs_total 6.0"])
end(child)
""",
        tmp_path,
        str(tmp_path),
        OBSERVEKIT_LOGS="own",
    )

    events = [json.loads(line)["event"] for line in logged.splitlines()]
    # The parent says it once; its child too, unless it is killed before.
    assert events.count("observekit.workers_degraded") in {1, 2}
    assert events.count("observekit.workers_recovered") in {1, 2}
