"""``observekit demo`` as a person starts it: real services, real requests, real signals."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from observekit.cli.demo.shop import NAMES

if TYPE_CHECKING:
    # For the checker only: pytest loads the file by itself.
    from tests.demo.conftest import Demo, Start

Gone = Callable[[int], bool]
_FIRST_PORT = 18_400 + 4 * (os.getpid() % 1_000)  # Two runs at once must not meet.


pytestmark = pytest.mark.once


class Played(NamedTuple):
    demo: "Demo"
    children: dict[str, int]
    taken: int
    logs: Path

    def totals(self) -> dict[str, int]:
        """Return what the table of the whole run says: requests by service, and by method and route."""
        _, _, rest = self.demo.output.partition("SERVICE, ROUTE")
        lines = rest.partition("\n\n")[0].splitlines()[1:]
        return {" ".join(line.split()[: 2 if line.startswith(" ") else 1]): _requests(line) for line in lines}


def _requests(line: str) -> int:
    return int(line.split()[2 if line.startswith(" ") else 1])


@pytest.fixture(scope="module")
def played(start: "Start", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One demo of three seconds, whose first port somebody has taken."""
    logs = tmp_path_factory.mktemp("logs") / "new"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start("--seconds", "3", "--port", str(port), "--logs", str(logs), NO_PROXY="example.org")
        children = demo.all_children()
        demo.process.wait(50)
        yield Played(demo, children, port, logs)


def test_it_ends_by_itself_with_0_and_leaves_no_child(played: Played, gone: Gone) -> None:
    assert (played.demo.process.returncode, played.demo.errors) == (0, "")
    assert {name: gone(pid) for name, pid in played.children.items()} == dict.fromkeys(NAMES, True)


def test_the_table_holds_exactly_the_requests_that_were_sent(played: Played) -> None:
    sent = re.search(r"(\d+) requests were sent: (\d+) fine", played.demo.output)
    totals = played.totals()

    assert sent is not None
    assert 0 < int(sent[2]) < int(sent[1])
    assert totals["storefront"] == int(sent[1])
    assert totals["orders"] == totals["POST /checkout/{sku}"] + totals["GET /receipts/{order_id:int}"]
    assert totals["POST /orders"] == totals["POST /items/{sku}/reserve"] == totals["POST /checkout/{sku}"]
    assert totals["GET /items"] == totals["GET /"]


def test_every_route_of_the_three_services_is_in_the_table(played: Played) -> None:
    totals = played.totals()

    assert totals.keys() == {
        *("storefront", "GET /", "POST /checkout/{sku}", "GET /help/{topic}", "GET /products/{sku}"),
        *("GET /receipts/{order_id:int}", "GET _unmatched"),
        *("orders", "POST /orders", "GET /orders/{order_id}"),
        *("inventory", "GET /items", "GET /items/{sku}", "POST /items/{sku}/reserve"),
    }
    assert min(totals.values()) > 0


def test_a_failing_request_is_one_trace_through_the_three_services(played: Played) -> None:
    _, _, rest = played.demo.output.partition("\nSPAN ")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    told = [re.split(r"\s{2,}", line.strip(" └─"))[:3] for line in lines]
    ports = re.findall(r"→ 127.0.0.1:(\d+)", rest.partition("\n\n")[0])

    assert told == [
        ["POST /checkout/{sku}", "storefront", "502"],
        [f"POST → 127.0.0.1:{ports[0]}", "storefront", "502"],
        ["POST /orders", "orders", "502"],
        [f"POST → 127.0.0.1:{ports[1]}", "orders", "500"],
        ["POST /items/{sku}/reserve", "inventory", "500"],
        ["ZeroDivisionError: integer division or modulo by zero"],
    ]


def test_the_log_lines_of_all_three_services_carry_the_id_of_that_trace(played: Played) -> None:
    trace = re.search(r"A request that failed, trace ([0-9a-f]{32})\n", played.demo.output)
    assert trace is not None

    records = {
        name: [json.loads(line) for line in (played.logs / f"{name}.jsonl").read_text().splitlines()]
        for name in NAMES
    }

    events = {
        name: {record["event"] for record in lines if record.get("trace_id") == trace[1]}
        for name, lines in records.items()
    }
    assert {name: "http.request" in found for name, found in events.items()} == dict.fromkeys(NAMES, True)
    assert "checkout.failed" in events["storefront"]
    assert "inventory.failed" in events["orders"]
    shown = played.demo.output.partition("joined by trace_id")[2].partition("Health")[0]
    assert re.findall(r"(\S+) +http\.request ", shown) != []
    assert set(re.findall(r"(\S+) +http\.request ", shown)) == set(NAMES)


def test_health_of_each_service_is_told(played: Played) -> None:
    health = played.demo.output.partition("Health, from /readyz?verbose\n\n")[2]

    assert re.sub(r"\d+ ms", "n ms", health) == (
        "storefront  ready       ok  [+] orders ok (degraded, n ms)\n"
        "orders      ready       ok  [+] database ok (required, n ms)\n"
        "inventory   ready       ok  [+] database ok (required, n ms)\n"
        "\n"
    )


def test_a_taken_port_is_passed_over_and_told(played: Played) -> None:
    told = re.search(r"([\d, ]+) (?:is|are) taken; the services listen on (.*)\.\n", played.demo.output)

    assert told is not None
    assert str(played.taken) in told[1]
    assert str(played.taken) not in told[2]


def test_a_file_gets_no_escape_codes(played: Played) -> None:
    assert "\x1b" not in played.demo.output


def test_a_terminal_gets_a_table_that_is_drawn_in_place_and_its_cursor_back(start: "Start") -> None:
    ours, theirs = pty.openpty()
    demo = start("--seconds", "2", "--port", str(_FIRST_PORT), stdout=theirs, TERM="xterm", COLUMNS="90")
    os.close(theirs)

    shown = b"".join(iter(lambda: _read(ours), b"")).decode()

    os.close(ours)
    assert (demo.process.wait(30), demo.errors) == (0, "")
    assert shown.startswith("\x1b[?25l")
    assert shown.endswith("\x1b[?25h")
    assert re.search(r"\r\x1b\[\d+A\x1b\[J", shown) is not None
    assert "\x1b[1mstorefront" in shown
    assert max(len(line) for line in re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", shown).splitlines()) < 90


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # What Linux says when the other end is closed.
        return b""


def test_ctrl_c_ends_it_with_0_and_a_report(start: "Start", gone: Gone) -> None:
    demo = start("--port", str(_FIRST_PORT))
    children = demo.all_children()
    demo.says("TIME")

    demo.process.send_signal(signal.SIGINT)

    assert (demo.process.wait(30), demo.errors) == (0, "")
    assert "The whole run" in demo.output
    assert all(map(gone, children.values()))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's death is Linux's")
def test_children_of_a_demo_that_was_killed_end_by_themselves(
    start: "Start", ends: Callable[[int], bool]
) -> None:
    demo = start("--seconds", "3600", "--port", str(_FIRST_PORT + 80))
    children = demo.all_children()
    demo.process.kill()
    demo.process.wait(30)

    assert {name: ends(pid) for name, pid in children.items()} == dict.fromkeys(NAMES, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_shop_opens_ends_it_with_0_and_leaves_no_child(
    start: "Start", gone: Gone, number: signal.Signals
) -> None:
    demo = start("--port", str(_FIRST_PORT))
    children = demo.all_children()

    demo.process.send_signal(number)

    assert (demo.process.wait(30), demo.errors) == (0, "")
    assert all(map(gone, children.values()))


def test_a_service_that_ends_by_itself_is_named_with_its_last_lines(
    start: "Start", gone: Gone, tmp_path: Path
) -> None:
    demo = start("--port", str(_FIRST_PORT), TMPDIR=str(tmp_path))
    children = demo.all_children()
    demo.says("TIME")

    os.kill(children["orders"], signal.SIGKILL)

    assert (demo.process.wait(30), demo.errors) == (4, "")
    _, _, told = demo.output.partition(
        "\norders has ended by itself, with exit code -9.\nIts last lines:\n\n"
    )
    assert "orders" in told
    assert all(map(gone, children.values()))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_has_enough_ends_it_quietly(start: "Start", gone: Gone) -> None:
    reading, writing = os.pipe()
    demo = start("--port", str(_FIRST_PORT), stdout=writing)
    os.close(writing)
    children = demo.all_children()

    os.close(reading)

    assert (demo.process.wait(40), demo.errors) == (0, "")
    assert all(map(gone, children.values()))


@pytest.mark.real
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs the program prometheus")
def test_prometheus_counts_the_same_requests(start: "Start") -> None:
    demo = start("--seconds", "2", "--port", str(_FIRST_PORT), "--prometheus")
    demo.process.wait(50)

    assert (demo.process.returncode, demo.errors) == (0, "")
    counted = re.findall(r"^ +[\d.]+/s +(\d+)  \S+$", demo.output, re.MULTILINE)
    totals = Played(demo, {}, 0, Path()).totals()
    assert sum(map(int, counted)) == sum(totals[name] for name in NAMES)
    assert "sum(rate(http_server_request_duration_seconds_count[1m])) by (http_route)" in demo.output


def test_without_prometheus_the_option_says_so(start: "Start") -> None:
    demo = start("--prometheus", PATH="/nowhere")

    assert (demo.process.wait(30), demo.output) == (2, "")
    assert demo.errors == (
        "observekit: --prometheus needs the program prometheus, and PATH has none. "
        "Install it, on Debian with apt install prometheus, or leave the option out.\n"
    )


def test_without_the_extra_it_names_what_is_missing_and_how_to_install_it(
    environment: dict[str, str],
) -> None:
    hidden = "import sys; sys.modules.update({'uvicorn': None, 'httpx': None, 'opentelemetry.proto': None})"
    done = subprocess.run(
        [sys.executable, "-c", f"{hidden}; from observekit.cli import main; sys.exit(main(['demo']))"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "observekit: the demo needs httpx, opentelemetry-proto, uvicorn. "
        "Install what it needs with: pip install 'observekit[demo]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seconds", "soon"), "argument --seconds: invalid number of seconds value: 'soon'"),
        (("--seconds", "nan"), "argument --seconds: 'nan' must be a number from 1 to 86400"),
        (("--port", "80"), "argument --port: '80' must be a number from 1024 to 65000"),
    ],
)
def test_a_wrong_option_is_refused(start: "Start", arguments: tuple[str, str], told: str) -> None:
    demo = start(*arguments)

    assert demo.process.wait(30) == 2
    assert demo.errors.splitlines()[-1] == f"observekit demo: error: {told}"
