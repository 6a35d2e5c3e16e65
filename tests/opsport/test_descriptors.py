"""Without a free descriptor nobody is let in, no loop spins, and who waits is answered when there is one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.opsport.conftest import Client

# Says its port, takes every descriptor there is, and gives them back when it is told to.
EXHAUSTED = """
import logging, os, resource, sys
from queue import SimpleQueue
from threading import Event
from observekit import setup

kit = setup(ops_port=0, logs="off", traces=False)
held, seen = kit.ops._held, SimpleQueue()

class Noted(logging.Handler):
    def emit(self, record):
        seen.put((record.getMessage(), held.listener.fileno() in held.selector.get_map()))

def failures():
    return kit.registry.get_sample_value("observekit_internal_errors_total", {"component": "ops"})

# Failures are said in the middle of them, the first of each minute.
logging.getLogger("observekit").addHandler(Noted())
taken = []
resource.setrlimit(resource.RLIMIT_NOFILE, (128, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
print(kit.ops_port, flush=True)
print(seen.get(timeout=30), flush=True)
while failures() < 3:
    Event().wait(0.01)
print("again and again", flush=True)
sys.stdin.readline()
for one in taken:
    os.close(one)
sys.stdin.readline()
print(failures() >= 3, kit.ops_port is not None, flush=True)
"""


@pytest.fixture
def exhausted() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", EXHAUSTED],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_who_comes_when_no_descriptor_is_left_is_answered_when_there_is_one(
    exhausted: "subprocess.Popen[str]", make_client: "type[Client]"
) -> None:
    assert exhausted.stdin is not None
    assert exhausted.stdout is not None
    ops = make_client(int(exhausted.stdout.readline()))

    with ops.connect() as early:
        early.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        failure, repeated = exhausted.stdout.readline(), exhausted.stdout.readline()
        exhausted.stdin.write("free\n")
        exhausted.stdin.flush()
        told = [ops.rest(early).status, *(ops.get(path).status for path in ("/livez", "/metrics"))]
        after, _ = exhausted.communicate("end\n", timeout=30)

    # Nobody looks at the listener until the next try: a loop that did would turn without end.
    fields = {"component": "ops", "error": "OSError: [Errno 24] Too many open files", "failures": 1}
    said = (f"observekit.internal_error {fields}", False)
    assert (failure.strip(), repeated.strip()) == (repr(said), "again and again")
    assert told == [200, 200, 200]
    assert (after, exhausted.returncode) == ("True True\n", 0)
