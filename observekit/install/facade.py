"""setup(), instrument() and ObserveMiddleware: one kit for the process, however often it is asked for."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from threading import RLock
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.registry import REGISTRY

from observekit.asgi import ASGIApp, Receive, Scope, Send
from observekit.config import Config, Effective, load
from observekit.config.model import SETTINGS, shown
from observekit.errors import ConfigError
from observekit.install.assemble import assemble
from observekit.install.ending import Ending
from observekit.install.kit import Kit
from observekit.integrations import starlette
from observekit.operations.operation import Label, Operation
from observekit.operations.periods import Periods
from observekit.operations.signals import Signals

_ONCE: Final = "Call setup() once, or end the first with Kit.shutdown()."
# What a kit that is replaced at the start may take to write what it has said by then.
_REPLACED_SECONDS: Final = 1.0


class _Process:
    """The one kit of this process; setup() makes it, Kit.shutdown() ends it."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._kit: Kit | None = None
        self._ending: Ending | None = None
        self._provisional = False
        self.periods = Periods()

    def provisional(self) -> None:
        """Set up by the environment alone, unless somebody has; what the program itself says replaces it."""
        with self._lock:
            if self._kit is None:
                self.kit(None, None, {})
                self._provisional = True

    def kit(
        self, config: Config | None, registry: CollectorRegistry | None, overrides: dict[str, Any]
    ) -> Kit:
        with self._lock:
            provisional, self._provisional = self._provisional, False
            if self._kit is not None and config is None and registry is None and not overrides:
                return self._kit
            effective = _effective(config, overrides)
            if self._kit is not None:
                named = overrides if config is None else SETTINGS
                wrong = list(_differences(self._kit, effective.config, named, registry))
                if not wrong:
                    return self._kit
                if not provisional:
                    raise ConfigError("\n".join([*wrong, _ONCE]))
                self._kit.release(_REPLACED_SECONDS)
            found = REGISTRY if registry is None else registry
            self._kit = kit = assemble(effective, found, self.periods)
            kit.on_release(self._forget)
            self._ending = Ending(kit.shutdown)
            return kit

    def signals(self) -> Signals | None:
        """Return what operations are told to; none before setup() and after Kit.shutdown()."""
        kit = self._kit
        return None if kit is None else kit.signals

    def _forget(self) -> None:
        with self._lock:
            ending, self._ending = self._ending, None
            if ending is not None:
                ending.cancel()
            self._kit = None


_PROCESS = _Process()


def setup(
    config: Config | None = None,
    *,
    registry: CollectorRegistry | None = None,
    **overrides: Any,
) -> Kit:
    """Set up logs, traces, metrics and health for this process.

    A second call returns the same kit, and may name settings again, or none; a Config names them all.

    Args:
        config: All settings; made from *overrides*, the environment and defaults unless given.
        registry: Where metrics are registered; prometheus-client's default registry unless given.
        **overrides: Settings by the names of Config's fields.

    Raises:
        ConfigError: If a setting is wrong, or differs from what the process was set up with.
    """
    return _PROCESS.kit(config, registry, overrides)


def setup_provisionally() -> None:
    """Set up by the environment, for a service that may set itself up otherwise when it is imported."""
    _PROCESS.provisional()


def instrument(app: Any, **overrides: Any) -> Kit:
    """Observe a Starlette or FastAPI application, in place; a second time changes nothing.

    For any other ASGI application use ``ObserveMiddleware(app)``.

    Args:
        app: The application.
        **overrides: As for setup(), which is called if nobody has.

    Raises:
        ConfigError: If a setting is wrong, or *app* is not of a known framework.
    """
    if not starlette.is_application(app):
        raise ConfigError(
            f"instrument() got {type(app).__name__!r}, but knows Starlette and FastAPI applications only. "
            "For another ASGI application write app = ObserveMiddleware(app)."
        )
    kit = setup(**overrides)
    if kit.config.enabled and starlette.add_layer(app, kit.layer, kit.built):
        starlette.silence(app, traces=kit.config.traces, metrics=kit.measures_alone)
    return kit


class ObserveMiddleware:
    """Observe any ASGI application; put it outermost.

    ``app.add_middleware(ObserveMiddleware)`` or ``app = ObserveMiddleware(app)``.

    Args:
        app: The application.
        **overrides: As for setup(), which is called if nobody has.
    """

    __slots__ = ("_layer", "app")

    def __init__(self, app: ASGIApp, /, **overrides: Any) -> None:
        # Named as everywhere, so that those who walk the middleware stack find their way.
        self.app = app
        self._layer = setup(**overrides).layer(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        await self._layer(scope, receive, send)


def operation(
    name: str,
    *,
    labels: Mapping[str, Label] | None = None,
    fields: Mapping[str, object] | None = None,
    every_seconds: float | None = None,
) -> Operation:
    """Observe a part of a request or job, or a job of its own: a span, a duration by outcome, and fields.

    ``with operation("charge"): ...`` in any code, or ``@operation("charge")`` on a function, a coroutine
    function, a generator or an asynchronous generator. Inside of a request, labels and fields stand in its
    canonical event; outside of any, an operation is a job: it has an event of its own, and
    ``job_last_success_timestamp_seconds`` says when it last went well.

    Args:
        name: Name of the span and value of the label ``operation``: a constant, not made from data.
        labels: For metrics, span and log. Few values each: past ``series_limit`` they become ``_overflow``.
        fields: For span and log, of any value.
        every_seconds: How often a job has to end well, as 86400 for a daily one; an alert says when it has
            not, from the moment on at which it was declared.
    """
    wrong = None if every_seconds is None else _PROCESS.periods.declare(name, every_seconds)
    return Operation(name, labels or {}, fields or {}, _PROCESS.signals, wrong)


def get_logger(name: str | None = None) -> Any:
    """Return structlog's logger of *name*, the name of the calling module unless given."""
    if name is None:
        name = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 -- as warnings and logging do
    return structlog.get_logger(name)


def _effective(config: Config | None, overrides: dict[str, Any]) -> Effective:
    if config is None:
        return load(**overrides)
    unknown = sorted(overrides.keys() - SETTINGS.keys())
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no setting; Config names them all.")
    return Effective(
        config=replace(config, **overrides),
        origins=dict.fromkeys(SETTINGS, "argument"),
        problems=(),
        unknown=(),
    )


def _differences(
    kit: Kit, config: Config, named: Iterable[str], registry: CollectorRegistry | None
) -> Iterator[str]:
    for name in named:
        if getattr(config, name) != getattr(kit.config, name):
            yield (
                f"{name} is {shown(name, getattr(config, name))}, but this process was set up with "
                f"{shown(name, getattr(kit.config, name))}."
            )
    if registry is not None and registry is not kit.registry:
        yield "registry is another one than this process was set up with."
