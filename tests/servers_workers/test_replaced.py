"""A worker that is replaced goes on from where the one before it was, with OpenTelemetry's metrics too."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers_workers.service import Service
from tests.servers_workers.truth import counted, truth

pytestmark = pytest.mark.once


def test_what_was_counted_before_an_edit_stays(start: Callable[[str], Service]) -> None:
    service = start("uvicorn-reload")
    service.act(3)
    service.wait_for(lambda page: counted(page) == truth(3))
    before = service.living()

    os.utime(Path(service.directory, "edited.py"), (2**31, 2**31))
    service.until(lambda: service.living() != before)
    service.act(2)

    service.wait_for(lambda page: counted(page) == truth(5))


@pytest.mark.parametrize("name", ["uvicorn-h11"])
def test_what_a_killed_worker_has_told_of_opentelemetry_stays(
    start: Callable[[str], Service], name: str
) -> None:
    service = start(name)
    service.act_everywhere()
    # Once it is on the page of another worker it is in the files.
    service.wait_for(lambda page: counted(page) == truth(service.journal.answered))

    victim = service.by_age()[0]
    os.kill(victim, signal.SIGKILL)
    service.until(lambda: victim not in service.living())
    service.act_everywhere()

    service.wait_for(lambda page: counted(page) == truth(service.journal.answered))
