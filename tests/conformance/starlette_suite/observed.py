"""A plugin for Starlette's own tests: every application that they ask is observed.

On its own, because the tests of Starlette are a package of the same name as these.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from observekit import ObserveMiddleware

_OUTCOMES: dict[str, str] = {}


def pytest_configure() -> None:
    """Put observekit around the application of every client, if the environment asks for it."""
    if "OBSERVED" not in os.environ:
        return
    client: Any = TestClient
    begin = client.__init__

    def begin_observed(self: Any, /, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        self.app = self._transport.app = ObserveMiddleware(self.app)

    client.__init__ = begin_observed


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
