"""Instrumentations of libraries: turned on when their library is there, and never in anybody's way."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from observekit.integrations import instrumentors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integrations.conftest import Observed

CONVENTIONS = "OTEL_SEMCONV_STABILITY_OPT_IN"


def kind(*needs: str) -> Any:
    """Return an instrumentation that needs what is named, and does not fit."""
    base: Any = import_module("opentelemetry.instrumentation.instrumentor").BaseInstrumentor

    def instrument(*_: Any, **__: Any) -> None:
        raise RuntimeError("does not fit")

    members = {
        "instrumentation_dependencies": lambda _: needs,
        "_instrument": instrument,
        "_uninstrument": instrument,
    }
    return type("Instrumentor", (base,), members)


class Entry:
    """An entry point, as a package would have it."""

    module = __name__

    def __init__(self, name: str, load: Any) -> None:
        self.name = name
        self.load = load


def _missing() -> Any:
    raise ModuleNotFoundError("No module named 'theirs'")


@pytest.mark.parametrize(
    ("load", "failures"), [(kind, 1.0), (lambda: kind("pytest >= 1000"), None), (_missing, None)]
)
def test_an_instrumentation_that_cannot_be_turned_on_stops_nobody(
    observe: "Callable[..., Observed]",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    load: Any,
    failures: float | None,
) -> None:
    monkeypatch.setattr(instrumentors, "entry_points", lambda **_: [Entry("pytest", load)])

    observed = observe()

    counted = observed.samples("observekit_internal_errors_total")
    assert counted.get(("traces",)) == failures
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


@pytest.mark.parametrize(("said", "read"), [(None, "http,database"), ("database/dup", "database/dup")])
def test_instrumentations_choose_stable_names_unless_somebody_says_something_else(
    observe: "Callable[..., Observed]", monkeypatch: pytest.MonkeyPatch, said: str | None, read: str
) -> None:
    found: list[str | None] = []
    theirs = kind()
    theirs._instrument = lambda *_, **__: found.append(os.environ.get(CONVENTIONS))
    theirs._uninstrument = lambda *_, **__: None
    monkeypatch.setattr(instrumentors, "entry_points", lambda **_: [Entry("pytest", lambda: theirs)])
    monkeypatch.delenv(CONVENTIONS, raising=False)
    if said is not None:
        monkeypatch.setenv(CONVENTIONS, said)

    observe()

    assert (found, os.environ.get(CONVENTIONS)) == ([read], said)


LATE = """
import sys
from opentelemetry import trace
from prometheus_client import CollectorRegistry
from observekit import setup

kit = setup(registry=CollectorRegistry(), logs="off")
assert "requests" not in sys.modules and "aiohttp" not in sys.modules, "a start imports what is not in use"
import {first}
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
assert RequestsInstrumentor().is_instrumented_by_opentelemetry
assert sum(kit.registry.get_sample_value(
    "observekit_internal_errors_total", {{"component": "traces"}}) or 0 for _ in "1") == 0
kit.shutdown()
assert not RequestsInstrumentor().is_instrumented_by_opentelemetry
"""


@pytest.mark.parametrize("first", ["requests", "opentelemetry.instrumentation.requests"])
def test_a_library_that_is_imported_later_is_traced_from_then_on(first: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE.format(first=first)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
