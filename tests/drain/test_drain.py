"""``observekit drain`` and the endpoint that it asks: by socket and by port, once and again, and back."""

import http.client
import json
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from observekit.health.asking import ask
from tests.drain.servers import APP, SERVERS
from tests.drain.service import LONG, Service, cli, free_port, running, supervised, until

pytestmark = pytest.mark.once

DELAY = ("--delay", "0")
WORKER = """
import signal
from observekit import setup
setup(management=True)
print("here", flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def shared(directory: Path) -> Iterator[Service]:
    """A supervised server of two workers, for tests that take back what they have done."""
    port = free_port()
    ops = ("--ops-port", str(free_port()))
    command = supervised(SERVERS["granian, 2 workers"].command(APP, port), "--drain-delay", "0", *ops)
    with running(command, directory, port, OTEL_SERVICE_NAME="orders") as service:
        until(lambda: len(list(directory.glob("*/run-*/*.sock"))) == 2, "not both workers are there")
        yield service.ready()


@pytest.fixture
def service(shared: Service, directory: Path) -> Iterator[Service]:
    yield shared
    drain(directory, "--undo")
    assert all(shared.get("/readyz").status == 200 for _ in range(20))


def drain(directory: Path, *arguments: str, **environ: str) -> CompletedProcess[str]:
    return cli("drain", *arguments, directory=directory, **environ)


def ops_port(service: Service) -> int:
    command = Path(f"/proc/{service.pid}/cmdline").read_text().split("\0")
    return int(command[command.index("--ops-port") + 1])


def test_all_workers_are_told_and_it_can_be_taken_back(service: Service, directory: Path) -> None:
    drained = drain(directory, *DELAY)
    during = {service.get("/readyz").status for _ in range(20)}
    undone = drain(directory, "--undo")
    after = {service.get("/readyz").status for _ in range(20)}

    assert (drained.returncode, during, undone.returncode, after) == (0, {503}, 0, {200}), drained.stderr


def test_a_second_time_is_no_other(service: Service, directory: Path) -> None:
    assert [drain(directory, *DELAY).returncode for _ in range(2)] == [0, 0]


def test_it_returns_when_nothing_is_in_flight_any_more(service: Service, directory: Path) -> None:
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(service.get, "/slow?seconds=1")
        until(lambda: in_flight(directory) == 1, "not in flight")
        code = drain(directory, *DELAY).returncode
        there = slow.done()

    assert (code, there, slow.result().body) == (0, True, "slow tea")


def test_when_time_is_up_it_says_which_routes_are_left(service: Service, directory: Path) -> None:
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(service.get, "/slow?seconds=2")
        until(lambda: in_flight(directory) == 1, "not in flight")
        told = drain(directory, *DELAY, "--timeout", "0")
        slow.result()

    assert (told.returncode, told.stderr) == (1, "observekit: time is up with 1 in flight: 1 GET /slow\n")


@pytest.mark.parametrize("named", [("--service", "orders"), ("--pid", "{pid}")])
def test_a_service_is_found_by_its_name_or_its_process(
    service: Service, directory: Path, named: tuple[str, str]
) -> None:
    arguments = [one.format(pid=service.pid) for one in named]

    assert drain(directory, *DELAY, *arguments).returncode == 0
    assert service.get("/readyz").status == 503


@pytest.mark.parametrize("named", [("--service", "payments"), ("--pid", "4194305"), ("--ops-port", "1")])
def test_nobody_drains_who_was_not_meant(service: Service, directory: Path, named: tuple[str, str]) -> None:
    told = drain(directory, *DELAY, *named)

    assert (told.returncode, told.stderr) == (
        3,
        "observekit: no process was found that could drain; see observekit drain --help\n",
    )
    assert service.get("/readyz").status == 200


def test_one_worker_that_is_asked_on_its_port_tells_the_other(service: Service, directory: Path) -> None:
    code = drain(directory, *DELAY, OBSERVEKIT_OPS_PORT=str(ops_port(service))).returncode

    assert (code, {service.get("/readyz").status for _ in range(20)}) == (0, {503})


@pytest.mark.parametrize(
    ("method", "header", "status"),
    [
        ("GET", None, 200),
        ("POST", ("Origin", "http://elsewhere.example"), 403),
        ("DELETE", ("Sec-Fetch-Site", "cross-site"), 403),
        ("POST", ("X-Forwarded-For", "203.0.113.7"), 403),
        ("PUT", None, 405),
        ("DELETE", None, 200),
    ],
)
def test_no_page_in_a_browser_and_no_stranger_can_drain(
    service: Service, method: str, header: tuple[str, str] | None, status: int
) -> None:
    client = http.client.HTTPConnection("127.0.0.1", ops_port(service))
    client.request(method, "/drain", headers=dict([header] if header else []))
    answer = client.getresponse().status
    client.close()

    assert (answer, service.get("/readyz").status) == (status, 200)


def test_the_application_has_no_such_path(service: Service) -> None:
    assert service.get("/drain", "POST").status == 404


def in_flight(directory: Path) -> int:
    replies, _ = ask(directory.glob("*/run-*/*.sock"), "GET", "/drain", LONG)
    return sum(int(reply.said["in_flight"]) for reply in replies.values())


def test_what_was_drained_before_the_signal_has_waited_already(tmp_path: Path) -> None:
    port = free_port()
    command = supervised(SERVERS["uvicorn"].command(APP, port), "--drain-delay", "3000")
    with running(command, tmp_path, port) as service:
        service.ready()
        # As a preStop hook does whose delay is over: the flag says since when.
        assert drain(tmp_path, "--no-wait").returncode == 0
        (flag,) = tmp_path.glob("*/run-*/draining")
        flag.write_text(json.dumps({**json.loads(flag.read_text()), "since": -1e9}))
        service.send(signal.SIGTERM)

        assert service.wait() == 0


def test_after_the_signal_there_is_no_way_back(tmp_path: Path) -> None:
    port = free_port()
    with running(supervised(SERVERS["uvicorn"].command(APP, port)), tmp_path, port) as service:
        service.ready()
        service.send(signal.SIGTERM)
        until(lambda: service.get("/readyz").status == 503, "not draining")
        told = drain(tmp_path, "--undo")

        assert (told.returncode, service.get("/readyz").status) == (1, 503), told.stderr


def test_a_worker_that_comes_during_a_drain_drains_too(tmp_path: Path) -> None:
    port = free_port()
    server = SERVERS["gunicorn, uvicorn workers"]
    with running(supervised(server.command(APP, port), "--drain-delay", "3000"), tmp_path, port) as service:
        service.ready()
        drain(tmp_path, *DELAY)
        service.send(signal.SIGHUP)  # gunicorn replaces its workers.
        until(lambda: len(service.events("observekit.started")) == 4, "no new workers")
        until(lambda: service.get("/pid").body in new(service), "the new ones do not serve")

        assert {service.get("/readyz").status for _ in range(20)} == {503}


def new(service: Service) -> list[str]:
    """Return the pids of the workers that gunicorn has started last."""
    lines = [line for line in service.said().splitlines() if "Booting worker with pid" in line]
    return [line.rpartition("pid: ")[2].split('"')[0].strip() for line in lines[-2:]]


def test_several_services_must_be_told_apart(tmp_path: Path) -> None:
    command = supervised([sys.executable, "-c", WORKER])
    with (
        running(command, tmp_path, 1, OTEL_SERVICE_NAME="orders") as first,
        running(command, tmp_path, 2, OTEL_SERVICE_NAME="payments") as second,
    ):
        until(lambda: all("here" in one.said() for one in (first, second)), "not there")
        told = drain(tmp_path, *DELAY)

    assert (told.returncode, told.stderr) == (
        2,
        "observekit: there are several services: orders, payments. Say which, by --service.\n",
    )


def test_a_process_that_stands_still_is_no_reason_to_wait_for_ever(tmp_path: Path) -> None:
    with running([sys.executable, "-c", WORKER], tmp_path) as service:
        until(lambda: "here" in service.said(), "not there")
        service.send(signal.SIGSTOP)
        told = drain(tmp_path, *DELAY, "--timeout", "0")

        assert told.returncode == 4


def test_what_a_killed_process_has_left_behind_is_nobody(tmp_path: Path) -> None:
    code = "from observekit import setup; setup(management=True); import os; os.kill(os.getpid(), 9)"
    with running([sys.executable, "-c", code], tmp_path) as service:
        service.wait()
    (left,) = tmp_path.glob("*/*/*.sock")

    assert drain(tmp_path).returncode == 3
    assert not left.exists()


def test_a_long_runtime_directory_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with running([sys.executable, "-c", WORKER], deep) as service:
        until(lambda: "here" in service.said(), "not there")

        assert drain(deep, *DELAY).returncode == 0


def test_a_directory_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    import os

    base = tmp_path / f"observekit-drain-{os.geteuid()}"
    base.mkdir()
    base.chmod(0o777)
    trap = socket.socket(socket.AF_UNIX)
    (base / "of-1").mkdir()
    trap.bind(str(base / "of-1" / "1-0.sock"))
    trap.listen()

    assert drain(tmp_path).returncode == 3
    trap.close()
