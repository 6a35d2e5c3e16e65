"""A process ends within its budget whatever its collector does, with its exit code, and says what is lost."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from tests.traces.sink import Act, drip, sink_of
from tests.traces.sink import silent as never_answer

LONG = 50.0
SOON = 25.0
"""Seconds that no end takes, however busy the machine; without a budget it would be those of a request."""
BUDGET = 12.0
"""Seconds that an end with spans takes more than one without, however busy the machine: the budget is one."""
PROCESS = """
import sys, threading, time
from opentelemetry import trace
from prometheus_client import CollectorRegistry
import observekit

observekit.setup(
    registry=CollectorRegistry(), log_format="json", traces_endpoint=sys.argv[1], span_delay_seconds=60.0,
    shutdown_budget_seconds=float(sys.argv[2]), traces_timeout_seconds=45.0, traces_protocol=sys.argv[5],
)
tracer = trace.get_tracer("test")
for number in range(int(sys.argv[6])):
    tracer.start_span(f"span {number}", attributes={"text": "x" * 1000}).end()

def work():
    while True:
        tracer.start_span("busy").end()

for _ in range(int(sys.argv[4])):
    threading.Thread(target=work, daemon=True).start()
# In one piece: the line of a record may come between a text and its end.
sys.stdout.write(f"ending {time.monotonic()}\\n")
sys.stdout.flush()
exec(sys.argv[3])
"""
# An exit with a code of its own is how those end whose collector is ill.
ENDINGS = {"the end": (0, "pass"), "an exception": (1, "raise OSError")}


@contextmanager
def refused() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1/traces"


@contextmanager
def answered(act: Act) -> Iterator[str]:
    with sink_of(after=act) as sink:
        yield sink.endpoint


@contextmanager
def unread() -> Iterator[str]:
    """Take connections, and nothing that comes over them."""
    released, kept = Event(), []

    def accept() -> None:
        while not released.is_set():
            kept.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        # So that a request does not fit into what the system holds.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"
        released.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(LONG)
    for one in kept:
        one.close()


COLLECTORS: dict[str, Callable[[], Any]] = {
    "refuses": refused,
    "is silent": lambda: answered(never_answer),
    "drips": lambda: answered(drip(b"HTTP/1.1 200 OK\r\n")),
    "does not read": unread,
}


def ended(
    endpoint: str, ending: str, *, threads: int = 0, protocol: str = "http/protobuf", spans: int = 1000
) -> tuple[int, int, float]:
    """Return the exit code of a process with spans, how many it says are lost, and the time of its end.

    It may take a second, and any request of it 45.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, endpoint, "1.0", ending, str(threads), protocol, str(spans)],
        capture_output=True,
        timeout=LONG,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    now, lines = monotonic(), done.stdout.splitlines()
    (began,) = [float(line.split()[1]) for line in lines if line.startswith(b"ending ")]
    events = [json.loads(line) for line in lines if line.startswith(b"{")]
    lost = sum(event["spans"] for event in events if event["event"] == "observekit.export_failed")
    return done.returncode, lost, now - began


@pytest.fixture(scope="module")
def idle_seconds() -> float:
    """How long a process takes to end that has nothing to send."""
    with refused() as endpoint:
        code, lost, seconds = ended(endpoint, "pass", spans=0)
    assert (code, lost) == (0, 0)
    return seconds


@pytest.mark.once
@pytest.mark.parametrize(
    ("collector", "protocol"),
    [
        *((collector, "http/protobuf") for collector in COLLECTORS),
        *((collector, "grpc") for collector in COLLECTORS if collector != "drips"),
    ],
)
def test_a_process_ends_although_its_collector(collector: str, protocol: str, idle_seconds: float) -> None:
    if protocol == "grpc":
        pytest.importorskip("grpc", reason="grpcio is not installed")
    with COLLECTORS[collector]() as endpoint:
        code, lost, seconds = ended(endpoint, "sys.exit(3)", protocol=protocol)

    assert (code, lost) == (3, 1000)
    assert seconds - idle_seconds < BUDGET


@pytest.mark.once
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_exit_code_is_kept_at(ending: str) -> None:
    code, words = ENDINGS[ending]

    with refused() as endpoint:
        assert ended(endpoint, words)[:2] == (code, 1000)


@pytest.mark.once
def test_a_process_ends_beside_threads_that_end_spans_for_ever() -> None:
    with COLLECTORS["is silent"]() as endpoint:
        code, lost, seconds = ended(endpoint, "pass", threads=8)

    assert (code, lost >= 1000) == (0, True)
    assert seconds < SOON
