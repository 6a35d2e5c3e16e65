"""The handle on a process's telemetry: checks, life cycle, registry, and its orderly end."""

import atexit
from collections.abc import Callable
from functools import partial
from threading import RLock
from time import monotonic
from typing import TypeVar, overload

from prometheus_client import CollectorRegistry

from observekit.asgi import ASGIApp
from observekit.config import Config
from observekit.health.check import Check, CheckFunction, Criticality, Probe, criticality_of
from observekit.health.engine import Engine
from observekit.health.lifecycle import Lifecycle
from observekit.http.under_way import UnderWay
from observekit.install.beside import beside_loop
from observekit.install.budget import End, Part, shares
from observekit.logs.changes import Changes
from observekit.operations.context import ContextTools
from observekit.operations.messages import Messages
from observekit.operations.signals import Signals
from observekit.ops.server import OpsServer

Function = TypeVar("Function", bound=CheckFunction)
Layer = Callable[[ASGIApp], ASGIApp]
Failed = Callable[[str, Exception], None]


def _ignore(*_: object) -> None:
    """Do nothing, where nobody wants to be told."""


class Kit:
    """What setup() returns.

    Attributes:
        config: The configuration in use.
        registry: Where metrics are registered; `/metrics` shows all of it.
        lifecycle: Where the process is in its life; ``kit.lifecycle.drain()`` makes readiness fail.
        ops: The server of the ops port, where there is one.
        levels: Changes levels of loggers for a time, where logs are ours:
            ``kit.levels.change("shop.db", "debug", 900, "why")``.
        context: Carries trace context to messages, threads, processes and tasks that outlive a request.
        messages: Observes what is sent to a broker, and what is processed from it.
        under_way: The requests and connections that are open.
    """

    def __init__(
        self,
        config: Config,
        registry: CollectorRegistry,
        lifecycle: Lifecycle,
        engine: Engine,
        failed: Failed = _ignore,
    ) -> None:
        self.config = config
        self.registry = registry
        self.lifecycle = lifecycle
        self.engine = engine
        self.layer: Layer = _as_it_is
        self.under_way = UnderWay()
        # Called by whoever begins to serve, which in a forked child is later than setup().
        self.join: Callable[[], None] = _ignore
        self._look: Callable[[object], None] = _ignore
        # Whether what a framework measures of its requests would only cost: its metrics are ours already.
        self.measures_alone = False
        self.ops: OpsServer | None = None
        self.levels: Changes | None = None
        self.signals: Signals | None = None
        self.context = ContextTools(None, lambda: self.signals)
        self.messages = Messages(self.context, lambda: self.signals)
        self._failed = failed
        self._lock = RLock()
        self._parts: list[Part] = []
        # The life of the process in which everything was flushed, and the seconds that took.
        self._flushed = (-1, 0.0)
        self._undo: list[Callable[[], None]] = []

    @property
    def ops_port(self) -> int | None:
        """The port on which metrics and health answer from a thread of their own, while there is one."""
        return None if self.ops is None else self.ops.port

    @overload
    def readiness(self, name: Function) -> Function: ...
    @overload
    def readiness(
        self,
        name: str | None = None,
        *,
        criticality: Criticality | None = None,
        timeout_seconds: float | None = None,
    ) -> Callable[[Function], Function]: ...
    def readiness(
        self,
        name: Function | str | None = None,
        *,
        criticality: Criticality | None = None,
        timeout_seconds: float | None = None,
    ) -> Function | Callable[[Function], Function]:
        """Register the decorated function as a check of whether this instance should get traffic.

        Args:
            name: Name of the check; the function's own unless given.
            criticality: ``required`` takes the instance out of traffic, ``degraded`` and ``info`` only show;
                unless given, ``required``, and ``degraded`` for a ready-made check of what instances share.
            timeout_seconds: Time the check may take; ``Config.check_timeout_seconds`` unless given.

        Raises:
            RegistrationError: If the name is taken or cannot be a label.
        """
        return self._register("readiness", name, criticality, timeout_seconds)

    @overload
    def liveness(self, name: Function) -> Function: ...
    @overload
    def liveness(
        self, name: str | None = None, *, timeout_seconds: float | None = None
    ) -> Callable[[Function], Function]: ...
    def liveness(
        self, name: Function | str | None = None, *, timeout_seconds: float | None = None
    ) -> Function | Callable[[Function], Function]:
        """Register the decorated function as a check of whether this process must be restarted.

        It must look at this process only: a database that is down is not repaired by restarting its clients.

        Args:
            name: Name of the check; the function's own unless given.
            timeout_seconds: Time the check may take; ``Config.check_timeout_seconds`` unless given.

        Raises:
            RegistrationError: If the name is taken or cannot be a label.
        """
        return self._register("liveness", name, "required", timeout_seconds)

    @overload
    def startup(self, name: Function) -> Function: ...
    @overload
    def startup(
        self, name: str | None = None, *, timeout_seconds: float | None = None
    ) -> Callable[[Function], Function]: ...
    def startup(
        self, name: Function | str | None = None, *, timeout_seconds: float | None = None
    ) -> Function | Callable[[Function], Function]:
        """Register the decorated function as a check that must pass once before start-up is over.

        Args:
            name: Name of the check; the function's own unless given.
            timeout_seconds: Time the check may take; ``Config.check_timeout_seconds`` unless given.

        Raises:
            RegistrationError: If the name is taken or cannot be a label.
        """
        return self._register("startup", name, "required", timeout_seconds)

    def add_check(
        self,
        name: str,
        function: CheckFunction,
        *,
        probe: Probe = "readiness",
        criticality: Criticality | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Register *function* as a check; it passes by returning anything but ``False`` and fails by raising.

        Args:
            name: Name of the check, a label value.
            function: Sync or async, without arguments. A sync one runs on a thread of its own.
            probe: Which endpoint asks it.
            criticality: As for readiness().
            timeout_seconds: Time the check may take; ``Config.check_timeout_seconds`` unless given, and
                never more than ``Config.probe_timeout_seconds``.

        Raises:
            RegistrationError: If the name is taken or cannot be a label.
        """
        timeout = self.config.check_timeout_seconds if timeout_seconds is None else timeout_seconds
        matters = criticality_of(function) if criticality is None else criticality
        self.engine.add(
            Check(name=name, probe=probe, criticality=matters, function=function, timeout_seconds=timeout)
        )

    def shutdown(self, budget_seconds: float | None = None) -> None:
        """End telemetry: send and write what waits, and give back what was taken over.

        Args:
            budget_seconds: Time all of it may take; unless given, ``Config.shutdown_budget_seconds`` less
                what the application's end has used of it.
        """
        atexit.unregister(self.shutdown)
        self.lifecycle.stop("telemetry was shut down")
        self.release(self._left() if budget_seconds is None else budget_seconds)

    async def flush(self) -> None:
        """Send and write what waits within ``Config.shutdown_budget_seconds``, without blocking the loop.

        The process may end when this returns: spans that are not sent by then are given up.
        """
        await beside_loop(self._flush, self.config.shutdown_budget_seconds)

    def at_end(self, name: str, flush: End, close: End) -> None:
        """Call *flush* before the process may end, and *close* when telemetry does; each with its budget.

        The part that came last goes first: it may still need those before it. *name* is that of the
        component whose failures are counted.
        """
        self._parts.insert(0, Part(name, flush, close))

    def on_release(self, undo: Callable[[], None]) -> None:
        """Call *undo* when all parts are closed."""
        self._undo.append(undo)

    def on_built(self, look: Callable[[object], None]) -> None:
        """Call *look* with each application that is instrumented, when its routes are there."""
        self._look = look

    def built(self, app: object) -> None:
        """Look at an application that is about to serve."""
        self._guarded("config", partial(self._look, app))

    def release(self, budget_seconds: float) -> None:
        """Close all parts within *budget_seconds* and give back what was taken over, once."""
        with self._lock:
            parts, self._parts = self._parts, []
            undo, self._undo = self._undo, []
        self._guarded("health", self.engine.close)
        self._spend([(part.name, part.close) for part in parts], budget_seconds)
        for one in undo:
            self._guarded("config", one)

    def _flush(self) -> None:
        began = monotonic()
        self._spend([(part.name, part.flush) for part in self._parts], self.config.shutdown_budget_seconds)
        self._flushed = (self.lifecycle.life, monotonic() - began)

    def _left(self) -> float:
        """Return what the end of this life may still take: a collector is not waited for twice."""
        life, seconds = self._flushed
        used = seconds if life == self.lifecycle.life else 0.0
        return max(0.0, self.config.shutdown_budget_seconds - used)

    def _spend(self, ends: list[tuple[str, End]], budget_seconds: float) -> None:
        times = shares([name for name, _ in ends], budget_seconds)
        for (name, end), seconds in zip(ends, times, strict=True):
            self._guarded(name, partial(end, seconds))

    def _guarded(self, component: str, end: Callable[[], object]) -> None:
        try:
            end()
        except Exception as error:  # noqa: BLE001 -- what comes after must still be ended
            self._failed(component, error)

    def _register(
        self,
        probe: Probe,
        name: Function | str | None,
        criticality: Criticality | None,
        timeout_seconds: float | None,
    ) -> Function | Callable[[Function], Function]:
        def register(function: Function) -> Function:
            own = getattr(function, "__name__", type(function).__name__)
            self.add_check(
                name if isinstance(name, str) else own,
                function,
                probe=probe,
                criticality=criticality,
                timeout_seconds=timeout_seconds,
            )
            return function

        return register(name) if name is not None and not isinstance(name, str) else register


def _as_it_is(app: ASGIApp) -> ASGIApp:
    """Leave *app* alone, where everything is off."""
    return app
