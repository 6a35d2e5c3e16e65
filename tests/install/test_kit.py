"""The kit ends in time, whatever its parts do, and takes everything along."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from threading import Event
from time import monotonic
from typing import Any

import pytest
from opentelemetry import trace
from prometheus_client import CollectorRegistry

from observekit import Config, Kit
from observekit.health.engine import Engine
from observekit.health.lifecycle import Lifecycle
from observekit.health.registered import Pace

LONG = 30.0
"""Seconds that nothing here takes: a limit for what went wrong."""

Make = Callable[..., Kit]


class Parts:
    """A kit of parts that note what they were given."""

    def __init__(self, budget_seconds: float = 1.0) -> None:
        self.failed: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self.given: dict[str, float] = {}
        config = Config(shutdown_budget_seconds=budget_seconds)
        self.kit = Kit(
            config,
            CollectorRegistry(),
            Lifecycle(),
            Engine(Pace(total_seconds=1, period_seconds=1)),
            lambda name, error: self.failed.append((name, str(error))),
        )

    def add(self, name: str, *, error: Exception | None = None, release: Event | None = None) -> None:
        """Add a part that fails with *error*, or does not end before *release* is set."""

        def end(seconds: float) -> None:
            self.given[name] = seconds
            if release is not None:
                release.wait(LONG)
            self.ended.append(name)
            if error is not None:
                raise error

        self.kit.at_end(name, end, end)


def test_a_part_that_uses_up_its_time_leaves_the_others_theirs() -> None:
    parts = Parts()
    parts.add("logs")
    parts.kit.at_end("traces", Event().wait, Event().wait)

    parts.kit.shutdown(0.3)

    assert 0 < parts.given["logs"] <= 0.15


def test_what_a_part_does_not_use_goes_to_the_next() -> None:
    parts = Parts(budget_seconds=60)
    for name in ("third", "second", "first"):
        parts.add(name)

    parts.kit.shutdown(600)

    assert {name: round(seconds) for name, seconds in parts.given.items()} == {
        "first": 180,
        "second": 270,
        "third": 540,  # A tenth is kept back: parts end a little late.
    }


def test_spans_get_all_but_a_little_because_only_they_wait_for_a_network() -> None:
    parts = Parts(budget_seconds=60)
    for name in ("logs", "metrics", "traces", "ops"):
        parts.add(name)

    parts.kit.shutdown(600)

    assert {name: round(seconds, 1) for name, seconds in parts.given.items()} == {
        "ops": 135.0,
        "traces": 539.4,  # 540, less 0.3 s for each of the two after it.
        "metrics": 270.0,
        "logs": 540.0,
    }


class Hands:
    """A clock that the parts of a kit move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.given: list[float] = []
        for place in ("kit", "budget"):
            monkeypatch.setattr(f"observekit.install.{place}.monotonic", lambda: self.now)

    def spend(self, seconds: float) -> None:
        """Use up all that is given."""
        self.given.append(round(seconds, 6))
        self.now += seconds


@pytest.mark.parametrize(
    ("later", "budget_seconds", "given"),
    [
        (lambda _: None, None, 0.9),
        (lambda kit: kit.lifecycle.begin_startup(), None, 9.0),
        (lambda _: None, 20, 18.0),
    ],
    ids=["what is left", "all of it in another life", "all of it where somebody says so"],
)
def test_an_end_after_a_flush_has_what_that_left_of_the_budget(
    monkeypatch: pytest.MonkeyPatch, later: Callable[[Kit], None], budget_seconds: float | None, given: float
) -> None:
    parts, hands = Parts(budget_seconds=10), Hands(monkeypatch)
    parts.kit.at_end("traces", hands.spend, hands.spend)
    parts.kit.lifecycle.stop()

    _without_asyncio(parts.kit.flush())
    later(parts.kit)
    parts.kit.shutdown(budget_seconds)

    assert hands.given == [9.0, given]


def test_a_budget_of_nothing_still_ends_every_part() -> None:
    parts = Parts()
    parts.add("logs")
    parts.add("traces")

    parts.kit.shutdown(0)

    assert parts.given == {"traces": 0.0, "logs": 0.0}


def test_a_part_that_fails_to_end_is_counted_and_the_others_end() -> None:
    parts = Parts()
    undone: dict[str, bool] = {}
    parts.add("logs")
    parts.add("traces", error=OSError("no route to host"))
    parts.kit.on_release(lambda: undone.update(registry=undone["unknown"]))
    parts.kit.on_release(lambda: undone.update(forgotten=True))

    parts.kit.shutdown()

    assert parts.ended == ["traces", "logs"]
    assert undone == {"forgotten": True}
    assert parts.failed == [("traces", "no route to host"), ("config", "'unknown'")]


def test_ending_twice_ends_once() -> None:
    parts = Parts()
    parts.add("logs")

    parts.kit.shutdown()
    parts.kit.shutdown()

    assert parts.ended == ["logs"]


def _without_asyncio(work: Coroutine[Any, Any, None]) -> None:
    """Run as a loop of another kind would, which asyncio knows nothing of."""
    with suppress(StopIteration):
        work.send(None)


@pytest.mark.parametrize("run", [asyncio.run, _without_asyncio])
def test_flushing_works_on_every_kind_of_loop(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    parts = Parts()
    parts.add("logs", error=OSError("disk is full"))
    parts.add("traces")

    run(parts.kit.flush())

    assert parts.ended == ["traces", "logs"]
    assert parts.failed == [("logs", "disk is full")]


def test_flushing_does_not_hold_up_the_loop() -> None:
    parts = Parts(budget_seconds=LONG)
    release = Event()
    parts.add("logs", release=release)

    async def flush() -> None:
        flushing = asyncio.create_task(parts.kit.flush())
        await asyncio.sleep(0)
        release.set()
        await flushing

    asyncio.run(flush(), debug=True)

    assert parts.ended == ["logs"]
    assert release.is_set()


def test_flushing_is_over_when_its_time_is_although_a_part_hangs() -> None:
    parts = Parts(budget_seconds=0.05)
    release = Event()
    parts.add("logs", release=release)

    asyncio.run(parts.kit.flush(), debug=True)
    ended = list(parts.ended)
    release.set()

    assert ended == []


def test_a_kit_ends_in_its_time_with_a_collector_that_answers_nothing(make_kit: Make) -> None:
    registry = CollectorRegistry()
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        kit = make_kit(
            logs="off",
            registry=registry,
            traces_endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces",
            traces_timeout_seconds=300.0,
            shutdown_budget_seconds=0.5,
        )
        spans = trace.get_tracer("test")
        for _ in range(10):
            spans.start_span("work").end()
        started = monotonic()

        kit.shutdown()
        seconds = monotonic() - started

    assert seconds < LONG
    assert trace.get_tracer_provider() is trace._PROXY_TRACER_PROVIDER


def test_what_waits_is_written_when_a_process_ends_that_never_said_so() -> None:
    program = "import observekit, logging; observekit.setup(); logging.getLogger('shop').info('last words')"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(line["event"], line.get("cause")) for line in lines] == [
        ("observekit.started", None),
        ("last words", None),
        ("lifecycle.changed", "telemetry was shut down"),
    ]
    assert ended.stderr == b""


@pytest.mark.parametrize(
    ("decorate", "name", "probe", "criticality", "seconds"),
    [
        (lambda kit, check: kit.readiness(check), "database", "readiness", "required", 0.8),
        (lambda kit, check: kit.readiness()(check), "database", "readiness", "required", 0.8),
        (
            lambda kit, check: kit.readiness("db", criticality="degraded", timeout_seconds=0.2)(check),
            "db",
            "readiness",
            "degraded",
            0.2,
        ),
        (lambda kit, check: kit.liveness(check), "database", "liveness", "required", 0.8),
        (
            lambda kit, check: kit.liveness("self", timeout_seconds=0.1)(check),
            "self",
            "liveness",
            "required",
            0.1,
        ),
        (lambda kit, check: kit.startup(check), "database", "startup", "required", 0.8),
        (
            lambda kit, check: kit.add_check("added", check, probe="startup"),
            "added",
            "startup",
            "required",
            0.8,
        ),
    ],
    ids=["bare", "called", "with everything", "liveness", "named liveness", "startup", "added"],
)
def test_a_check_can_be_registered_in_every_form(
    make_kit: Make,
    decorate: Callable[[Kit, Any], Any],
    name: str,
    probe: str,
    criticality: str,
    seconds: float,
) -> None:
    kit = make_kit(logs="off")

    async def database() -> None:
        await asyncio.sleep(0)

    returned = decorate(kit, database)

    [registered] = kit.engine._checks.values()
    check = registered.check
    assert returned in {database, None}
    assert (check.name, check.probe, check.criticality, check.timeout_seconds) == (
        name,
        probe,
        criticality,
        seconds,
    )
    assert check.function is database
