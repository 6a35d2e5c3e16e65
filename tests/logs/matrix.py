"""The deadlock matrix: everything one may call, in every place where it could find itself in its own way.

``python -m tests.logs.matrix`` runs each cell in a process of its own, which is killed when it does not end,
and tells the codes that they ended with.
"""

import gc
import json
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from observekit import annotate, setup

SECONDS = 20.0
HUNG = -signal.SIGKILL
CALLS = 40

log = structlog.get_logger("matrix")
stdlib = logging.getLogger("matrix.stdlib")
kit: Any = None


def with_exception() -> None:
    try:
        int("told")
    except ValueError:
        log.exception("failed")


def bound() -> None:
    log.bind(a=1).new(b=2).info("bound", c=[1, 2])
    annotate(a=1)


ACTIONS: dict[str, Callable[[], object]] = {
    "structlog": lambda: log.info("said", number=1),
    "stdlib": lambda: stdlib.warning("said %d", 1, extra={"number": 1}),
    "exception": with_exception,
    "bound": bound,
    "warnings": lambda: warnings.warn("said", stacklevel=1),
    "shutdown": lambda: kit.shutdown(0.5),
}


def in_signal_handler(action: Callable[[], object]) -> None:
    signal.signal(signal.SIGALRM, lambda *_: action())
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    for _ in range(CALLS):
        action()
        log.info("outer", value=[1, "two"])
    signal.setitimer(signal.ITIMER_REAL, 0)


def in_finaliser(action: Callable[[], object]) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            action()

    gc.set_threshold(10)
    for _ in range(CALLS):
        Cycle()
        log.info("outer", value=[1, "two"])


def in_forked_child(action: Callable[[], object]) -> None:
    stop = threading.Event()

    def chat() -> None:
        while not stop.is_set():
            log.info("outer", value=[1, "two"])

    threads = [threading.Thread(target=chat) for _ in range(3)]
    for thread in threads:
        thread.start()
    codes = []
    for _ in range(5):
        child = os.fork()
        if not child:
            action()
            os._exit(0)
        codes.append(os.waitpid(child, 0)[1])
    stop.set()
    assert codes == [0] * 5


def at_exit(action: Callable[[], object]) -> None:
    import atexit  # What is registered later runs first, and ours is registered by setup().

    atexit.register(action)
    log.info("outer")


def in_daemon_thread_at_the_end(action: Callable[[], object]) -> None:
    def chat() -> None:
        while True:
            action()

    for _ in range(3):
        threading.Thread(target=chat, daemon=True).start()


def in_the_text_of_a_value(action: Callable[[], object]) -> None:
    class Chatty:
        def __repr__(self) -> str:
            action()
            return "chatty"

        __str__ = __repr__

    for _ in range(20):
        log.info("outer", value=Chatty())
        stdlib.warning("%s", Chatty())


PLACES: dict[str, Callable[[Callable[[], object]], None]] = {
    "signal handler": in_signal_handler,
    "finaliser": in_finaliser,
    "forked child": in_forked_child,
    "at exit": at_exit,
    "daemon thread": in_daemon_thread_at_the_end,
    "own callback": in_the_text_of_a_value,
}


def cell(place: str, action: str) -> None:
    global kit  # noqa: PLW0603 -- one for each process
    warnings.simplefilter("always")
    kit = setup(registry=CollectorRegistry(), log_format="json", traces=False, shutdown_budget_seconds=0.5)
    PLACES[place](ACTIONS[action])


def ended(child: int) -> int:
    """Return the code that *child* ends with; kill it if it does not."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return HUNG


def main() -> int:
    found: dict[str, int] = {}
    for place in PLACES:
        for action in ACTIONS:
            child = os.fork()
            if not child:
                cell(place, action)
                return 0
            found[f"{action} in {place}"] = ended(child)
    json.dump(found, sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
