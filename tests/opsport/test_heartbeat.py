"""A loop that is stuck for long is seen on the ops port, by readiness first and by liveness in the end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families as parse_text

if TYPE_CHECKING:
    from tests.opsport.conftest import Answer, Client, Service

Make = Callable[..., "Service"]
LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""


def until(port: "Client", path: str, status: int) -> "Answer":
    """Return the first answer with *status*; fail if there is none for long."""
    deadline, pause = time.monotonic() + LONG, Event()
    while (answer := port.get(path)).status != status:
        assert time.monotonic() < deadline, answer
        pause.wait(0.05)
    return answer


def event_loop(port: "Client") -> dict[str, float]:
    return {
        sample.labels["probe"]: sample.value
        for family in parse_text(port.get("/metrics").body)
        for sample in family.samples
        if sample.name == "observekit_health_check_status"
        and sample.labels["check"] == "observekit.event_loop"
    }


def test_readiness_and_then_liveness_fail_while_the_loop_is_stuck_and_pass_when_it_turns(
    make_service: Make, make_client: "type[Client]"
) -> None:
    service = make_service(liveness_stall_seconds=7)
    ops = make_client(service.kit.ops_port or 0)

    with service.served() as application:
        application.get("/")
        with service.standing_still(application):
            ready = until(ops, "/readyz?verbose", 503)
            alive = ops.get("/livez")
            dead = until(ops, "/livez?verbose", 503)
            shown = event_loop(ops)
            service.release.set()
        until(ops, "/livez", 200)
        until(ops, "/readyz", 200)
        later = event_loop(ops)

    line = "[-] observekit.event_loop failed (required, n ms)\nfailed\n"
    assert (ready.body, alive.status, dead.body) == (line, 200, line)
    assert (shown, later) == ({"liveness": 0.0, "readiness": 0.0}, {"liveness": 1.0, "readiness": 1.0})


SERVICE = """
import asyncio, os, threading
from observekit import setup
kit = setup(ops_port=0, logs="off", traces=False, liveness_stall_seconds=3)

async def main():
    kit.lifecycle.serving()
    print(kit.ops_port, flush=True)
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


def test_a_process_that_was_held_still_is_alive_when_it_goes_on(make_client: "type[Client]") -> None:
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE) as service:
        try:
            assert service.stdout is not None
            ops = make_client(int(service.stdout.readline()))
            assert ops.get("/livez").status == 200
            os.kill(service.pid, signal.SIGSTOP)
            Event().wait(5)  # Longer than the loop may be stuck; the time is the test.
            os.kill(service.pid, signal.SIGCONT)

            told = [ops.get("/livez").status for _ in range(50)]
        finally:
            service.kill()

    assert told == [200] * 50
