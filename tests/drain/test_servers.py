"""Each server, started by ``observekit run`` with an application that knows nothing of observekit."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from observekit.health.asking import ask
from observekit.health.place import Place
from tests.drain.servers import APP, SERVERS, SYNC, WSGI, Server
from tests.drain.service import LONG, ROOT, Service, cli, free_port, get, is_alive, running, supervised, until

pytestmark = pytest.mark.once

SHORT = (
    "uvicorn, 2 workers",
    "gunicorn, uvicorn workers",
    "gunicorn, asgi workers",
    "hypercorn",
    "granian, 2 workers",
)
"""Each way to observe and to start workers; ``python -m tests.drain.table`` has them all."""
BARE = APP.replace("app", "bare")


@contextmanager
def served(
    server: Server, directory: Path, *options: str, app: str = APP, **environ: str
) -> Iterator[Service]:
    if server.missing():
        pytest.skip(f"{server.missing()} is not installed")
    port = free_port()
    command = supervised(server.command(app, port), "--drain-delay", "0.5", *options)
    with running(command, directory, port, **environ) as service:
        yield service


def states(directory: Path) -> list[str]:
    """Return the state of each process of the service, as it says itself."""
    (run,) = directory.glob("observekit-drain-*/*-*")
    replies, _ = ask(Place(run).sockets(), "GET", "/drain", LONG)
    return [reply.said["state"] for reply in replies.values()]


@pytest.mark.parametrize("name", SHORT)
def test_a_server_loses_nothing_when_it_is_stopped(tmp_path: Path, name: str) -> None:
    server = SERVERS[name]
    with ExitStack() as ends:
        service = ends.enter_context(served(server, tmp_path)).ready()
        until(lambda: states(tmp_path) == ["ready"] * server.workers, "not all workers are there")
        pool = ends.enter_context(ThreadPoolExecutor())
        slow = pool.submit(service.get, "/slow?seconds=1")
        until(lambda: in_flight(tmp_path) == 1, "not in flight")
        family = service.family()
        service.send(signal.SIGTERM)
        until(lambda: states(tmp_path) == ["draining"] * server.workers, "not all workers drain")
        asked = [service.get("/readyz"), service.get("/"), service.get("/livez")]

        assert [answer.status for answer in asked] == [503, 200, 200]
        assert {answer.connection for answer in asked} == {"close"}
        assert (service.wait(), slow.result()[:2]) == (0, (200, "slow tea"))

    assert not any(map(is_alive, family))
    assert (
        len([event for event in service.events("lifecycle.changed") if event["to"] == "stopped"])
        == server.workers
    )
    requests = [event["http_route"] for event in service.events("http.request")]
    assert sorted(requests) == ["/", "/slow"]
    assert list((tmp_path).glob("observekit-drain-*/*")) == []


def in_flight(directory: Path) -> int:
    (run,) = directory.glob("observekit-drain-*/run-*")
    replies, _ = ask(Place(run).sockets(), "GET", "/drain", LONG)
    return sum(int(reply.said["in_flight"]) for reply in replies.values())


def test_synchronous_workers_drain_too_and_say_so_on_the_ops_port(tmp_path: Path) -> None:
    ops = free_port()
    with served(SYNC, tmp_path, "--ops-port", str(ops), app=WSGI) as service:
        until(lambda: get(ops, "/readyz").status == 200, "not ready")
        until(lambda: states(tmp_path) == ["ready"] * SYNC.workers, "not all workers are there")
        service.send(signal.SIGTERM)
        until(lambda: states(tmp_path) == ["draining"] * SYNC.workers, "not all workers drain")

        assert (get(ops, "/readyz").status, service.get("/").body) == (503, "wsgi tea")
        assert service.wait() == 0


def test_an_application_that_the_parent_has_loaded_is_observed_in_its_children(tmp_path: Path) -> None:
    server = SERVERS["gunicorn, asgi workers"]
    preloading = server._replace(command=lambda app, port: [*server.command(app, port), "--preload"])
    with served(preloading, tmp_path) as service:
        service.ready()
        until(lambda: states(tmp_path) == ["ready"] * server.workers, "not all workers are there")
        service.get("/")
        service.send(signal.SIGTERM)

        assert service.wait() == 0

    assert [event["http_route"] for event in service.events("http.request")] == ["/"]


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
def test_an_application_without_a_framework_is_observed(tmp_path: Path, name: str) -> None:
    with served(SERVERS[name], tmp_path, app=BARE) as service:
        service.ready()

        assert service.get("/").body == "bare tea"
        assert (
            'http_server_request_duration_seconds_count{http_request_method="GET"'
            in service.get("/metrics").body
        )


CODED = """
from starlette.applications import Starlette
from observekit import instrument, setup
kit = setup(service_name="orders", readiness_path="/ready")
app = Starlette()
instrument(app)
"""


def test_what_the_code_says_replaces_what_the_start_has_set_up(tmp_path: Path) -> None:
    (tmp_path / "coded.py").write_text(CODED)
    path = f"{ROOT}:{tmp_path}"
    with served(SERVERS["uvicorn"], tmp_path, app="coded:app", PYTHONPATH=path) as service:
        until(lambda: service.get("/ready").status == 200 or service.ended(), service.said())
        service.get("/")
        service.send(signal.SIGTERM)

        assert service.wait() == 0

    names = [
        json.loads(line)["service"]
        for line in service.output.read_text().splitlines()
        if "http.request" in line
    ]
    assert names == ["orders"]


def test_a_drain_by_the_port_of_a_parent_that_has_set_up_is_that_of_its_workers(tmp_path: Path) -> None:
    (tmp_path / "coded.py").write_text(CODED)
    server = SERVERS["gunicorn, asgi workers"]
    if server.missing():
        pytest.skip(f"{server.missing()} is not installed")
    port, ops = free_port(), free_port()
    command = [*server.command("coded:app", port), "--preload"]
    environ = {
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "OBSERVEKIT_OPS_PORT": str(ops),
        "OBSERVEKIT_READINESS_WORKERS": "all",
    }
    with running(command, tmp_path, port, **environ) as service:
        until(lambda: is_told_ready(ops) and service.get("/ready").status == 200, "not ready")
        seen = [sorted(states(tmp_path))]
        drained = cli("drain", "--ops-port", str(ops), "--delay", "0", directory=tmp_path)
        seen.append(states(tmp_path))
        undone = cli("drain", "--ops-port", str(ops), "--undo", directory=tmp_path)
        until(lambda: is_told_ready(ops), "not ready")
        service.send(signal.SIGTERM)

        assert (drained.returncode, undone.returncode, service.wait()) == (0, 0, 0), drained.stderr

    assert seen == [["ready", "ready", "starting"], ["draining"] * 3]


def is_told_ready(port: int) -> bool:
    """Whether both workers are ready, and their parent is not counted."""
    answer = get(port, "/ready?verbose")
    return answer.status == 200 and "2 of 2 workers are ready" in answer.body


def test_a_server_whose_python_lacks_observekit_serves_all_the_same(tmp_path: Path) -> None:
    # As where the command line of observekit is installed apart. Without -P, Python looks here first.
    (tmp_path / "observekit.py").write_text("raise ImportError('not here')")
    port = free_port()
    command = [sys.executable, "-P", *SERVERS["uvicorn"].command(APP, port)[1:]]
    with running(supervised(command), tmp_path, port, PYTHONPATH=f"{tmp_path}:{ROOT}") as service:
        until(lambda: service.get("/").status == 200 or service.ended(), service.said())

        assert service.get("/readyz").status == 404
        assert "uvicorn.config is not observed: ImportError: not here" in service.said()


def test_another_sitecustomize_has_its_turn(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('my turn', flush=True)")
    with served(SERVERS["uvicorn"], tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}") as service:
        service.ready()

        # Once for the supervisor's own Python, and once for the server's.
        assert service.output.read_text().count("my turn") == 2


STREAMING = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route
from observekit import instrument

async def told(request):
    async def pieces():
        yield b"first\\n"
        await kit.lifecycle.draining
        yield b"last\\n"
    return StreamingResponse(pieces())

async def deaf(request):
    async def pieces():
        while True:
            yield b"drop\\n"
            await asyncio.sleep(0.05)
    return StreamingResponse(pieces())

app = Starlette(routes=[Route("/told", told), Route("/deaf", deaf)])
kit = instrument(app)
"""


def stream(service: Service, path: str, first: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), LONG)
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    until(lambda: first in connection.recv(4096), "no stream")
    return connection


def test_a_stream_that_is_told_ends_and_one_that_does_not_listen_is_named(tmp_path: Path) -> None:
    (tmp_path / "streaming.py").write_text(STREAMING)
    path = f"{ROOT}:{tmp_path}"
    limit = ("--drain-delay", "0", "--drain-timeout", "0.5")
    with ExitStack() as ends:
        service = ends.enter_context(
            served(SERVERS["uvicorn"], tmp_path, *limit, app="streaming:app", PYTHONPATH=path)
        )
        service.ready()
        told = ends.enter_context(stream(service, "/told", b"first"))
        ends.enter_context(stream(service, "/deaf", b"drop"))
        service.send(signal.SIGTERM)
        heard = b"".join(iter(lambda: told.recv(4096), b""))

        # From Python 3.12 on, uvicorn waits for the other even when it is forced to end, and is killed.
        assert service.wait() in {0, 137}

    (left,) = service.events("observekit.drain_incomplete")
    assert b"last" in heard
    assert (left["in_flight"], left["routes"]) == (1, {"GET /deaf": 1})


def test_an_upgrade_of_gunicorn_in_place_goes_on_supervised(tmp_path: Path) -> None:
    # Started as ``python -m gunicorn`` it would not find itself again.
    script = [str(Path(sys.executable).with_name("gunicorn"))]
    server = SERVERS["gunicorn, asgi workers"]
    by_script = server._replace(command=lambda app, port: [*script, *server.command(app, port)[3:]])
    with served(by_script, tmp_path) as service:
        service.ready()
        first = service.family()[1]
        service.send(signal.SIGUSR2)
        until(lambda: len(states(tmp_path)) == 4, "no second set of workers")
        os.kill(first, signal.SIGTERM)
        until(lambda: not is_alive(first), "the first arbiter goes on")
        until(lambda: states(tmp_path) == ["ready"] * 2, "the second one does not serve")
        answered = service.get("/").status
        service.send(signal.SIGTERM)

        assert (answered, service.wait()) == (200, 0)
