"""Life cycle, checks, refresher and heartbeat, and who is told of what happens to them."""

import os
from collections.abc import Callable
from contextvars import Context
from time import monotonic
from typing import Final, NamedTuple

from opentelemetry.context import attach, set_value

from observekit.catalogue import metrics as catalogue
from observekit.config import Config
from observekit.guard import QUIET_SECONDS, Guard
from observekit.health.check import Check, Result, Status
from observekit.health.engine import Engine, Listeners
from observekit.health.heartbeat import Heartbeat
from observekit.health.lifecycle import Lifecycle, State
from observekit.health.place import has_place
from observekit.health.refresh import Refresher
from observekit.health.registered import Pace
from observekit.health.state import Health
from observekit.install.instruments import Instruments
from observekit.install.voice import Voice
from observekit.integrations import trio

# Source: OpenTelemetry's instrumentations make no span where this key of the context is true.
_NO_SPANS: Final = "suppress_instrumentation"

Follow = Callable[[State], None]


class Parts(NamedTuple):
    """What answers the probes, and what asks the checks before them."""

    health: Health
    refresher: Refresher


def pace_of(config: Config) -> Pace:
    """Return how checks are paced; where nothing is remembered, each result is believed."""
    remembers = config.check_cache_seconds > 0
    return Pace(
        total_seconds=config.probe_timeout_seconds,
        period_seconds=config.check_cache_seconds,
        fail_after=config.check_fail_after if remembers else 1,
        pass_after=config.check_pass_after if remembers else 1,
    )


def _is_asked_elsewhere(config: Config) -> bool:
    """Whether anybody asks how the process is who can be answered while its loop is stuck."""
    managed = has_place(os.environ, alone=config.management)
    return managed or config.ops_port is not None or config.heartbeat_file is not None


def health_of(config: Config, instruments: Instruments, voice: Voice, guard: Guard, follow: Follow) -> Parts:
    """Return the parts, told of and shown in the metrics; *follow* is called with each state of the life."""

    def changed(before: State, state: State, cause: str) -> None:
        voice.lifecycle_changed(before, state, cause)
        if state == "ready":
            engine.home.settle()
            begin()
        elif state == "stopped":
            refresher.stop()
        follow(state)

    def begin(_: Check | None = None) -> None:
        wanted = heartbeat is not None or engine.has_checks()
        if config.health and wanted and lifecycle.state in {"ready", "draining"}:
            refresher.start()

    def tick() -> None:
        engine.blocker()  # It is told while it blocks, and not only when it has ended.
        if heartbeat is not None:
            heartbeat.tick()

    lifecycle = Lifecycle(changed, voice.maintenance_changed, trio.waiter)
    lifecycle.tasks.told = voice.startup_task_ended
    engine = Engine(pace_of(config), _listeners(instruments, voice))
    engine.home.foreign = trio.awaiter
    engine.home.context = _without_spans()
    heartbeat = Heartbeat(engine.home, config.liveness_stall_seconds) if _is_asked_elsewhere(config) else None
    health = Health(lifecycle, engine, heartbeat)
    refresher = Refresher(engine.due, tick, lambda error: guard.failed("health", error))
    engine.refreshed = refresher.is_at_work
    engine.when_added(instruments.check_added)
    engine.when_added(begin)
    _show(health, instruments)
    return Parts(health, refresher)


def _listeners(instruments: Instruments, voice: Voice) -> Listeners:
    told: dict[str, float] = {}

    def changed(check: Check, before: Status | None, result: Result) -> None:
        if before is not None:
            instruments.check_changed(check)
        voice.check_changed(check, before, result)

    def blocked(check: Check, seconds: float) -> None:
        instruments.check_blocked(check)
        now = monotonic()
        if now - told.get(check.name, -QUIET_SECONDS) >= QUIET_SECONDS:
            told[check.name] = now
            voice.check_blocks_loop(check, seconds)

    return Listeners(
        observed=instruments.checked, changed=changed, capped=voice.check_capped, blocked=blocked
    )


def _show(health: Health, instruments: Instruments) -> None:
    lifecycle, store = health.lifecycle, instruments.store
    store.reading(catalogue.LIFECYCLE_STATE, lifecycle.readings, lifecycle.told)
    store.reading(catalogue.MAINTENANCE, lambda: [((), float(lifecycle.in_maintenance))])
    store.reading(catalogue.STARTUP_PROGRESS, lifecycle.tasks.readings)
    store.reading(catalogue.HEALTH_CHECK_STATUS, health.readings)


def _without_spans() -> Callable[[], Context]:
    """Return what makes contexts for checks: of nobody's request, and in which clients make no spans."""
    pattern = Context()
    pattern.run(attach, set_value(_NO_SPANS, value=True))
    return pattern.copy
