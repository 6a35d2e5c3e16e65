"""What tests of every room use."""

import os
import signal
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.often import FEW
from tests.real_servers.fixtures import (
    faulty_postgres,
    faulty_redis,
    nats_server,
    postgres_server,
    rabbitmq_server,
    redis_server,
)

# Here, so that each server is started once for whoever asks for it.
__all__ = [
    "faulty_postgres",
    "faulty_redis",
    "nats_server",
    "postgres_server",
    "rabbitmq_server",
    "redis_server",
]

# A machine that is busy makes an example slow, and says nothing of what it is an example of.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("all", _PATIENT)
settings.register_profile(FEW, _PATIENT, max_examples=25)
settings.load_profile("all")

_SECONDS = 20
"""What nothing in a child takes; one that waits for a lock would wait for ever."""

Child = Callable[[Callable[[], int]], int]


@pytest.fixture
def run_in_child() -> Child:
    """Run what is given in a forked child and return the exit code: what it returned, or 99 if it raised."""
    return _run_in_child


def _run_in_child(work: Callable[[], int]) -> int:
    child = os.fork()
    if child == 0:
        code = 99
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # The test's own time-out is for the parent.
            signal.alarm(_SECONDS)
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
