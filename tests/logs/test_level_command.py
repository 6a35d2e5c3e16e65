"""``observekit level`` and the endpoint that it asks: in all workers, for a time, and no browser may."""

import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.drain.servers import APP, SERVERS
from tests.drain.service import Service, cli, free_port, running, supervised, until

pytestmark = pytest.mark.once

TOKEN = "s3cret"  # noqa: S105 -- of this test
MEANT = {"x-observekit": "1"}
QUERY = "/levels?logger=shop&level=debug&seconds=60"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def ops_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def service(directory: Path, ops_port: int) -> Iterator[Service]:
    port = free_port()
    ops = ("--drain-delay", "0", "--ops-port", str(ops_port))
    command = supervised(SERVERS["uvicorn, 2 workers"].command(APP, port), *ops)
    environ = {"OTEL_SERVICE_NAME": "orders", "OBSERVEKIT_LOG_FORMAT": "json"}
    with running(command, directory, port, **environ) as service:
        until(lambda: len(list(directory.glob("*/run-*/*.sock"))) == 2, "not both workers are there")
        yield service.ready()


@pytest.fixture(autouse=True)
def _as_it_was(service: Service, directory: Path) -> Iterator[None]:
    yield
    level(directory, "shop", "--undo")


def level(directory: Path, *arguments: str, **environ: str) -> CompletedProcess[str]:
    return cli("level", *arguments, directory=directory, **environ)


def pids(shown: CompletedProcess[str]) -> list[int]:
    return sorted(int(line.split()[0]) for line in shown.stdout.splitlines())


def audits(service: Service) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in service.output.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "observekit.level_changed"]


def ask(port: int, method: str, target: str, headers: Mapping[str, str]) -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request(method, target, headers=dict(headers))
        response = client.getresponse()
        return response.status, response.read().decode()
    finally:
        client.close()


def test_all_workers_take_a_level_and_say_so_until_the_time_is_up(service: Service, directory: Path) -> None:
    before = len(audits(service))

    changed = level(directory, "shop.orders", "debug", "--for", "2s")
    shown = level(directory)

    assert (changed.returncode, changed.stderr) == (0, "")
    assert "shop.orders is debug for 2s in 2 processes" in changed.stdout
    assert [line.split()[1:3] for line in shown.stdout.splitlines()] == [["shop.orders", "debug"]] * 2
    told = until(
        lambda: found if len(found := audits(service)[before:]) == 4 else None, "it does not end by itself"
    )
    assert sorted((one["changed_logger"], one["from"], one["to"]) for one in told) == [
        ("shop.orders", "debug", "info"),
        ("shop.orders", "debug", "info"),
        ("shop.orders", "info", "debug"),
        ("shop.orders", "info", "debug"),
    ]
    assert level(directory).stdout == ""


def test_through_the_ops_port_of_one_worker_the_others_are_told(
    service: Service, directory: Path, ops_port: int
) -> None:
    changed = level(directory, "shop", "warning", "--ops-port", str(ops_port))

    assert (changed.returncode, "in 2 processes" in changed.stdout) == (0, True), changed.stderr
    assert len(level(directory).stdout.splitlines()) == 2
    undone = level(directory, "shop", "--undo", "--ops-port", str(ops_port))
    assert (undone.returncode, level(directory).stdout) == (0, ""), undone.stderr


def test_a_worker_that_comes_later_has_the_level_of_the_others(service: Service, directory: Path) -> None:
    changed = level(directory, "shop", "debug")
    first = pids(level(directory))

    os.kill(first[0], signal.SIGKILL)

    def replaced() -> list[int]:
        now = pids(level(directory))
        return now if len(now) == 2 and now != first else []

    assert changed.returncode == 0
    assert first[0] not in until(replaced, "no other worker has the level")


def test_a_worker_that_says_nothing_to_another_is_told_of(
    service: Service, directory: Path, ops_port: int
) -> None:
    level(directory, "shop", "debug")
    asked: int = json.loads(ask(ops_port, "GET", "/levels", {})[1])["pid"]
    (other,) = {*pids(level(directory))} - {asked}

    os.kill(other, signal.SIGSTOP)
    try:
        changed = level(directory, "shop", "warning", "--ops-port", str(ops_port))
    finally:
        os.kill(other, signal.SIGCONT)

    assert (changed.returncode, "not all processes have taken it" in changed.stderr) == (4, True)
    assert f"in 1 processes: {asked}" in changed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("shop", "--undo"), 1, "shop was not changed"),
        (("shop", "debug", "--for", "soon"), 2, "--for is 'soon', but must be a time like 90s, 15m or 2h."),
        (("shop", "debug", "--for", "25h"), 2, "the time must be above 0 and at most 86400 s."),
        (("shop",), 2, "a level needs a logger, and a logger a level"),
        (("shop", "debug", "--service", "none"), 3, "no process was found"),
    ],
)
def test_what_cannot_be_done_is_said(
    service: Service, directory: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = level(directory, *arguments)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert level(directory).stdout == ""


def test_no_page_of_a_browser_and_no_proxy_can_change_a_level(
    service: Service, directory: Path, ops_port: int
) -> None:
    asked: list[tuple[str, dict[str, str]]] = [
        ("POST", {}),
        ("DELETE", {}),
        ("POST", {"content-type": "application/x-www-form-urlencoded"}),
        ("POST", MEANT | {"origin": "http://evil.example"}),
        ("POST", MEANT | {"sec-fetch-site": "cross-site"}),
        ("POST", MEANT | {"host": "evil.example"}),
        ("POST", MEANT | {"forwarded": "for=192.0.2.1"}),
        ("OPTIONS", {"origin": "http://evil.example", "access-control-request-headers": "x-observekit"}),
        ("PUT", MEANT),
    ]

    answers = [ask(ops_port, method, QUERY, headers) for method, headers in asked]

    assert [status for status, _ in answers] == [403, 403, 403, 403, 403, 421, 403, 403, 405]
    assert not any("shop" in body or "evil" in body for _, body in answers)
    assert level(directory).stdout == ""


def test_what_makes_no_sense_is_not_shown_again(service: Service, ops_port: int) -> None:
    status, body = ask(ops_port, "POST", "/levels?logger=%3Cscript%3E%0d%0a&level=x&seconds=1", MEANT)

    assert (status, "script" in body, "\r" in body) == (400, False, False)


def test_with_a_token_it_is_needed(directory: Path) -> None:
    port = free_port()
    script = (
        "import time\nfrom observekit import setup\n"
        f"setup(ops_port={port}, metrics_token='{TOKEN}', traces=False)\n"
        "print('here', flush=True)\ntime.sleep(600)\n"
    )
    with running([sys.executable, "-c", script], directory, 0) as alone:
        until(lambda: "here" in alone.output.read_text(), "it does not start")
        refused = ask(port, "POST", QUERY, MEANT)
        taken = ask(port, "POST", QUERY, MEANT | {"authorization": f"Bearer {TOKEN}"})

    assert (refused[0], taken[0]) == (403, 200)
    assert json.loads(taken[1])["levels"][0]["logger"] == "shop"
