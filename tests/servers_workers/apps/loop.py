"""A parent with children and no web server, each of which counts.

``python -m tests.servers_workers.apps.loop KIND WHEN``: the parent is set up ``before`` it has children, or
``never``. It tells its port, and those of its children by their pid, as a line of JSON; then each line of
standard input is an order for the children, ``act`` or ``exit``, and answered by who is left.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from prometheus_client import Counter, Gauge

from observekit import setup

ACTS = Counter("loop_acts", "Acts.")
ALIVE = Gauge("loop_alive", "Processes at work.", multiprocess_mode="livesum")
CHILDREN = 3

Start = Callable[[Connection], int]


def child(orders: Connection) -> None:
    """Count, as often as it is told to."""
    orders.send(setup(ops_port=0).ops_port)
    ALIVE.set(1)
    while orders.recv() == "act":
        for _ in range(10):
            ACTS.inc()
        orders.send("done")


def by_multiprocessing(method: str) -> Start:
    context: Any = multiprocessing.get_context(method)

    def start(orders: Connection) -> int:
        process = context.Process(target=child, args=(orders,))
        process.start()
        _STARTED.append(process)
        return int(process.pid)

    return start


def by_fork(orders: Connection) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child(orders)
            code = 0
        finally:
            os._exit(code)
    return pid


_STARTED: list[Any] = []
_STARTS: dict[str, Start] = {
    "fork": by_multiprocessing("fork"),
    "forkserver": by_multiprocessing("forkserver"),
    "spawn": by_multiprocessing("spawn"),
    "os.fork": by_fork,
}


def tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


def main(kind: str, when: str) -> None:
    port = None
    if when == "before":
        port = setup(ops_port=0).ops_port
        ALIVE.set(1)
        ACTS.inc(5)
    children: dict[int, Connection] = {}
    for _ in range(CHILDREN):
        ours, theirs = multiprocessing.Pipe()
        children[_STARTS[kind](theirs)] = ours
        theirs.close()
    ports = {pid: orders.recv() for pid, orders in children.items()}
    tell(port=port, ports=ports)
    for line in sys.stdin:
        _do(line.strip(), children)


def _do(order: str, children: dict[int, Connection]) -> None:
    for pid, orders in list(children.items()):
        try:
            orders.send(order)
            orders.recv()
        except (OSError, EOFError):
            del children[pid]
    for process in _STARTED:
        if not process.is_alive():
            process.join()
    tell(left=sorted(children))


if __name__ == "__main__":
    main(*sys.argv[1:])
