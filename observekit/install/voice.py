"""What observekit itself has to say, as events of the catalogue."""

import logging
from collections.abc import Mapping
from threading import RLock
from time import monotonic
from typing import Any, Final

from observekit.catalogue import events
from observekit.config import Config, Effective
from observekit.guard import QUIET_SECONDS, Guard
from observekit.health.check import Check, Result, Status
from observekit.health.lifecycle import State
from observekit.health.tasks import StartupTask
from observekit.logs.events import Events
from observekit.logs.record import message_of

_LOGGER: Final = "observekit"


class Voice:
    """Writes our own events: through *pipeline*, or through stdlib logging where logs are left alone."""

    __slots__ = ("_export_told", "_guard", "_lock", "_pipeline", "_untold", "_waits_told", "_why")

    def __init__(self, pipeline: Events | None, guard: Guard) -> None:
        self._pipeline = pipeline
        self._guard = guard
        self._lock = RLock()
        self._export_told = -QUIET_SECONDS
        self._untold = 0
        self._why = ""
        self._waits_told = -QUIET_SECONDS

    def started(self, effective: Effective, found: list[str], ops_port: int | None) -> None:
        """Say what was set up, and what of the environment was not followed."""
        config = effective.config
        for problem in (*effective.problems, *effective.unknown):
            self._say(
                events.CONFIG_REJECTED.name, "warning", variable=problem.variable, problem=problem.message
            )
        signals = {
            "metrics": config.metrics_path if config.metrics else "off",
            "logs": config.logs,
            "traces": (config.traces_endpoint or "not exported") if config.traces else "off",
            "health": config.readiness_path if config.health else "off",
        }
        self._say(
            events.STARTED.name,
            "info",
            service_version=config.service_version,
            **signals,
            ops_port=ops_port,
            found=found,
        )

    def neighbours_found(self, application: str, found: list[str]) -> None:
        """Say who else would trace or measure the same requests."""
        self._say(events.NEIGHBOURS_FOUND.name, "info", application=application, found=found)

    def ops_port_unavailable(self, config: Config, error: Exception) -> None:
        """Say that there is no ops port."""
        self._say(
            events.OPS_PORT_UNAVAILABLE.name,
            "warning",
            ops_host=config.ops_host,
            ops_port=config.ops_port,
            error=message_of(error),
        )

    def management_unavailable(self, error: Exception) -> None:
        """Say that nobody can drain this process from outside."""
        self._say(events.MANAGEMENT_UNAVAILABLE.name, "warning", error=message_of(error))

    def drain_incomplete(self, in_flight: int, routes: Mapping[str, int]) -> None:
        """Say what was in flight when the time of a drain was over."""
        self._say(events.DRAIN_INCOMPLETE.name, "warning", in_flight=in_flight, routes=dict(routes))

    def routes_shadowed(self, shadowed: Mapping[str, str]) -> None:
        """Say which paths of an application are answered by us, and by which setting that can be changed."""
        self._say(
            events.ROUTES_SHADOWED.name, "warning", paths=list(shadowed), settings=list(shadowed.values())
        )

    def ops_port_taken_over(self, config: Config) -> None:
        """Say that this worker has the ops port now."""
        fields = {"ops_host": config.ops_host, "ops_port": config.ops_port}
        self._say(events.OPS_PORT_TAKEN_OVER.name, "info", **fields)

    def workers_changed(self, directory: str, *, degraded: bool) -> None:
        """Say that this worker counts for itself alone, or does so no more."""
        if degraded:
            self._say(events.WORKERS_DEGRADED.name, "warning", directory=directory)
        else:
            self._say(events.WORKERS_RECOVERED.name, "info", directory=directory)

    def internal_error(self, component: str, error: BaseException, failures: int) -> None:
        """Say that something of ours failed."""
        told = f"{type(error).__name__}: {message_of(error)}"
        self._say(events.INTERNAL_ERROR.name, "error", component=component, error=told, failures=failures)

    def metric_left_out(self, metric: str, reason: str) -> None:
        """Say that a metric is not on the page: OpenTelemetry's, or as another worker has it."""
        self._say(events.METRIC_LEFT_OUT.name, "info", metric=metric, reason=reason)

    def export_failed(self, spans: int, why: str) -> None:
        """Say that spans will not arrive, once a minute at most, and how many since it was said last.

        None, ``0``, is what comes before an end: what is left to say of those before is said at once.
        """
        now = monotonic()
        with self._lock:  # No call within, so that no fork leaves it locked.
            self._untold += spans
            self._why = why if spans else self._why
            if not self._untold or (spans and now - self._export_told < QUIET_SECONDS):
                return
            spans, self._untold, self._export_told = self._untold, 0, now
        self._say(events.EXPORT_FAILED.name, "warning", spans=spans, problem=self._why)

    def export_waits(self, spans: int, why: str) -> None:
        """Say that the collector does not take spans for now, once a minute at most."""
        now = monotonic()
        with self._lock:
            if now - self._waits_told < QUIET_SECONDS:
                return
            self._waits_told = now
        self._say(events.EXPORT_WAITS.name, "warning", spans=spans, problem=why)

    def lifecycle_changed(self, before: State, state: State, cause: str) -> None:
        """Say that the process entered another state."""
        level = "error" if state == "broken" else "info"
        self._say(events.LIFECYCLE_CHANGED.name, level, **{"from": before, "to": state}, cause=cause)

    def loop_stalled(self, seconds: float, stack: list[str]) -> None:
        """Say where the event loop is stuck."""
        self._say(events.LOOP_STALLED.name, "warning", stalled_seconds=round(seconds, 3), stack=stack)

    def check_changed(self, check: Check, before: Status | None, result: Result) -> None:
        """Say that a check has another result than before."""
        error = None if result.error is None else f"{type(result.error).__name__}: {message_of(result.error)}"
        self._say(
            events.CHECK_CHANGED.name,
            "info" if result.status == "ok" else "warning",
            check=check.name,
            probe=check.probe,
            status=result.status,
            was=before,
            **({} if error is None else {"error": error}),
        )

    def maintenance_changed(self, on: bool, cause: str) -> None:  # noqa: FBT001 -- as Maintained says
        """Say that the process is to stay out of traffic, or to come back."""
        self._say(events.MAINTENANCE_CHANGED.name, "info", on=on, cause=cause)

    def startup_task_ended(self, task: StartupTask, error: BaseException | None) -> None:
        """Say that a start-up task is over."""
        told = {} if error is None else {"error": f"{type(error).__name__}: {message_of(error)}"}
        self._say(
            events.STARTUP_TASK_ENDED.name,
            "info" if task.state == "done" else "error",
            task=task.name,
            state=task.state,
            duration_seconds=round(task.seconds, 3),
            **told,
        )

    def check_blocks_loop(self, check: Check, seconds: float) -> None:
        """Say which check holds the event loop."""
        self._say(
            events.CHECK_BLOCKS_LOOP.name, "warning", check=check.name, blocked_seconds=round(seconds, 3)
        )

    def check_capped(self, check: Check, most_seconds: float) -> None:
        """Say that a check gets less time than it was registered with."""
        problem = (
            f"timeout_seconds of check {check.name!r} is {check.timeout_seconds:g}, but "
            f"probe_timeout_seconds gives all checks of a probe {most_seconds:g} s together; raise "
            "OBSERVEKIT_PROBE_TIMEOUT and the time-out of the probe that asks, or lower that of the check."
        )
        self._say(events.CHECK_CAPPED.name, "warning", check=check.name, problem=problem)

    def _say(self, event: str, level: str, **fields: Any) -> None:
        if self._pipeline is not None:
            if self._pipeline.wants(level, _LOGGER):
                self._pipeline.emit(level, event, fields)
            return
        number = logging.getLevelNamesMapping()[level.upper()]
        try:
            logging.getLogger(_LOGGER).log(number, "%s %s", event, fields)
        except Exception as error:  # noqa: BLE001 -- a handler of the user's; what we speak of must go on
            self._guard.failed("logs", error)
