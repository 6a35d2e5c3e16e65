"""The ops port opens with setup(), closes with the kit, and is in nobody's way."""

import gc
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from observekit import Kit

if TYPE_CHECKING:
    from tests.conftest import Child
    from tests.opsport.conftest import Client, Service

Make = Callable[..., Kit]


def _threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "observekit-ops"]


def _descriptors() -> dict[str, str]:
    """Return what each open descriptor is."""
    gc.collect()  # What is let go of later would make room for what is new.
    found = {}
    for one in Path("/proc/self/fd").iterdir():
        if one.is_symlink():
            found[one.name] = str(one.readlink())
    return found


def test_it_is_off_unless_asked_for(make_kit: Make) -> None:
    kit = make_kit(ops_port=None)

    assert (kit.ops_port, _threads()) == (None, [])


def test_it_answers_as_the_application_does(kit: Kit, ops: "Client") -> None:
    kit.lifecycle.finish_startup("test")

    told = {path: ops.get(path) for path in ("/livez", "/readyz", "/startupz", "/metrics", "/elsewhere")}

    assert {path: one.status for path, one in told.items()} == {
        "/livez": 200,
        "/readyz": 200,
        "/startupz": 200,
        "/metrics": 200,
        "/elsewhere": 404,
    }
    assert told["/readyz"].body == "ok\n"
    assert "target_info" in {family.name for family in parse_text(told["/metrics"].body)}
    assert {one.headers["x-content-type-options"] for one in told.values()} == {"nosniff"}
    assert {one.headers["cache-control"] for one in told.values()} == {"no-store"}


@pytest.mark.parametrize(
    ("method", "status", "body"), [("HEAD", 200, ""), ("POST", 405, "use GET or HEAD\n")]
)
def test_it_knows_the_same_methods(ops: "Client", method: str, status: int, body: str) -> None:
    told = ops.get("/livez", method=method)

    assert (told.status, told.body) == (status, body)


def test_paths_that_are_turned_off_are_off_here_too(make_kit: Make, make_client: "type[Client]") -> None:
    kit = make_kit(metrics_path=None, liveness_path="/alive")

    ops = make_client(kit.ops_port or 0)

    assert [ops.get(path).status for path in ("/metrics", "/livez", "/alive")] == [404, 404, 200]


def test_it_closes_with_the_kit_and_opens_with_the_next(make_kit: Make, make_client: "type[Client]") -> None:
    first = make_kit()
    port = first.ops_port or 0

    first.shutdown()
    after = (first.ops_port, _threads())
    with pytest.raises(ConnectionRefusedError):
        make_client(port).connect()
    second = make_kit(ops_port=port)

    assert after == (None, [])
    assert second.ops_port == port
    assert make_client(port).get("/livez").status == 200


def test_it_stays_while_an_application_ends_and_starts_again(kit: Kit, ops: "Client") -> None:
    words = []

    for _ in range(2):
        kit.lifecycle.begin_startup()
        words.append(ops.get("/readyz").body)
        kit.lifecycle.finish_startup("test")
        words.append(ops.get("/readyz").body)
        kit.lifecycle.stop()
        words.append(ops.get("/readyz").body)

    assert words == ["starting\n", "ok\n", "stopped\n"] * 2


def test_nothing_is_left_of_it_with_clients_that_are_in_the_middle(
    make_kit: Make, make_client: "type[Client]"
) -> None:
    make_kit(ops_port=None).shutdown()  # What is loaded once is loaded.
    before = _descriptors()
    kit = make_kit()
    ops = make_client(kit.ops_port or 0)
    halves = [ops.connect() for _ in range(10)]
    for one in halves:
        one.sendall(b"GET /livez HT")
    ops.get("/livez")

    kit.shutdown()
    told = {one.recv(1) for one in halves}
    for one in halves:
        one.close()

    assert told == {b""}
    assert (_threads(), _descriptors().items() - before.items()) == ([], set())


def test_who_comes_while_it_stops_is_answered_or_turned_away_and_nothing_is_left(
    make_kit: Make, make_client: "type[Client]"
) -> None:
    make_kit(ops_port=None).shutdown()  # What is loaded once is loaded.
    before = _descriptors()
    answers: set[bytes] = set()
    crowd: list[threading.Thread] = []

    def come(client: "Client") -> None:
        while True:
            try:
                answers.add(client.say(b"GET /livez HTTP/1.0\r\n\r\n")[:15])
            except ConnectionRefusedError:
                return
            except ConnectionError:  # It was let go of, as it stood or in the queue of the kernel.
                continue

    for _ in range(20):
        kit = make_kit()
        ops = make_client(kit.ops_port or 0)
        crowd += [threading.Thread(target=come, args=(ops,)) for _ in range(3)]
        for one in crowd[-3:]:
            one.start()
        kit.shutdown()
        for one in crowd[-3:]:
            one.join(30)

    assert answers <= {b"HTTP/1.1 200 OK", b""}
    assert not any(one.is_alive() for one in crowd)
    assert (_threads(), _descriptors().items() - before.items()) == ([], set())


def test_a_port_that_is_taken_is_told_once_and_stops_nothing(
    make_kit: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sibling:
        port = sibling.getsockname()[1]

        kit = make_kit(ops_port=port, logs="own", log_format="json")
        told = (kit.ops_port, _threads())
        kit.shutdown()

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    warnings = [line for line in lines if line["level"] == "warning"]
    started = next(line for line in lines if line["event"] == "observekit.started")
    assert told == (None, [])
    assert [(one["event"], one["ops_host"], one["ops_port"]) for one in warnings] == [
        ("observekit.ops_port_unavailable", "127.0.0.1", port)
    ]
    assert "in use" in warnings[0]["error"]
    assert started["ops_port"] is None


def test_the_port_in_use_is_in_the_event_of_the_start(
    make_kit: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    kit = make_kit(logs="own", log_format="json")
    port = kit.ops_port
    kit.shutdown()

    started = json.loads(capfd.readouterr().out.splitlines()[0])
    assert (started["event"], started["ops_port"]) == ("observekit.started", port)


def test_an_address_that_is_not_of_this_host_stops_nothing(make_kit: Make) -> None:
    kit = make_kit(ops_host="203.0.113.1")

    assert kit.ops_port is None


def _skip_unless_of_this_host(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as one:
            one.bind((host, 0))
    except OSError as error:
        pytest.skip(f"{host} is no address of this machine: {error.strerror}")


@pytest.mark.parametrize("host", ["::1", "::", "0.0.0.0"])  # noqa: S104 -- what is tested
def test_it_listens_where_it_is_told_to(make_kit: Make, make_client: "type[Client]", host: str) -> None:
    _skip_unless_of_this_host(host)
    kit = make_kit(ops_host=host)
    ops = make_client(kit.ops_port or 0, "::1" if host == "::1" else "127.0.0.1")

    assert ops.get("/livez", host="orders.example.org" if host != "::1" else "[::1]:1").status == 200


def test_importing_opens_nothing_and_a_process_that_just_ends_ends() -> None:
    program = (
        "import observekit, threading; before = threading.active_count();"
        "kit = observekit.setup(logs='off'); print(before, kit.ops_port > 0)"
    )

    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env={**os.environ, "OBSERVEKIT_OPS_PORT": "0", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
        timeout=30,
    )

    assert (ended.stdout, ended.stderr) == (b"1 True\n", b"")


def test_a_forked_child_has_nothing_of_it_and_the_parent_all(
    make_kit: Make, make_client: "type[Client]", run_in_child: "Child"
) -> None:
    make_kit(ops_port=None).shutdown()  # What is loaded once is loaded.
    before = _descriptors().items()
    kit = make_kit()
    port = kit.ops_port or 0
    ops = make_client(port)
    half = ops.connect()
    half.sendall(b"GET /livez HTTP/1.1\r\n")
    ops.get("/livez")  # So that the other has been let in.

    def let_go() -> int:
        # Log writers of other kits that are not collected yet make pipes of their own in a child.
        left = {name for name, what in _descriptors().items() - before if not what.startswith("pipe:")}
        return 0 if left == {str(half.fileno())} and kit.ops_port is None else 1

    assert run_in_child(let_go) == 0
    half.sendall(b"Host: localhost\r\n\r\n")
    assert (kit.ops_port, ops.rest(half).status, ops.get("/metrics").status) == (port, 200, 200)
    half.close()


def test_a_check_that_ends_the_port_does_not_wait_for_itself(kit: Kit, ops: "Client") -> None:
    async def ends() -> None:
        assert kit.ops is not None
        kit.ops.stop(30)

    kit.liveness("ends")(ends)

    (thread,) = (one for one in threading.enumerate() if one.name == "observekit-ops")
    ops.say(b"GET /livez HTTP/1.0\r\n\r\n")
    thread.join(30)

    assert (kit.ops_port, thread.is_alive()) == (None, False)
    assert [value for _, value in kit.engine.readings()] == [1.0]


def test_a_service_that_nobody_asked_is_not_made_ready_by_a_probe(
    make_service: "Callable[..., Service]", make_client: "type[Client]"
) -> None:
    service = make_service()
    ops = make_client(service.kit.ops_port or 0)

    told = [ops.get("/readyz").body, ops.get("/readyz").body]

    assert (told, service.kit.lifecycle.state) == (["starting\n"] * 2, "starting")
