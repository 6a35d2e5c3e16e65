"""A plugin for Starlette's own tests: every application that they ask is observed.

On its own, because the tests of Starlette are a package of the same name as these.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from observekit import ObserveMiddleware

_OUTCOMES: dict[str, str] = {}


def pytest_configure() -> None:
    """Put observekit around the application of every client, if the environment asks for it."""
    if "OBSERVED" not in os.environ:
        return
    begin = TestClient.__init__

    def begin_observed(client: TestClient, /, *args: object, **more: object) -> None:
        begin(client, *args, **more)  # type: ignore[arg-type]  # whatever the tests say
        observed = ObserveMiddleware(client.app)
        client.app = client._transport.app = observed  # type: ignore[attr-defined]  # of the client's own kind

    TestClient.__init__ = begin_observed  # type: ignore[method-assign]  # for all of its users


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the first outcome of a test that is not passed, or that it is."""
    report = yield
    if _OUTCOMES.get(report.nodeid, "passed") == "passed":
        _OUTCOMES[report.nodeid] = report.outcome
    return report


def pytest_sessionfinish() -> None:
    """Write the outcomes to where the environment says."""
    Path(os.environ["OUTCOMES"]).write_text(json.dumps(_OUTCOMES))
