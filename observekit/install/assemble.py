"""The composition root: a Kit from a configuration, each part handed what it needs of the others."""

from prometheus_client import CollectorRegistry

from observekit.catalogue import metrics as catalogue
from observekit.config import Config, Effective
from observekit.guard import Guard
from observekit.health.endpoints import Probes
from observekit.health.engine import Engine
from observekit.health.lifecycle import Lifecycle
from observekit.http.layer import HttpLayer, Parts
from observekit.http.lifespan import Lifespan
from observekit.install.identity import resource
from observekit.install.instruments import Instruments, register
from observekit.install.kit import Kit
from observekit.install.tracing import Traces, quarantine
from observekit.install.voice import Voice
from observekit.integrations.starlette import SCOPE_CLAIMS
from observekit.logs.setup import Logs
from observekit.ops.endpoints import endpoints


def assemble(effective: Effective, registry: CollectorRegistry) -> Kit:
    """Set everything up that the configuration wants.

    Raises:
        ConfigError: If *registry* has metrics of our names already.
    """
    config = effective.config
    if not config.enabled:
        return _disabled(config, registry)
    quarantine(effective)
    guard = Guard(catalogue.COMPONENTS)
    attributes = resource(config)
    instruments = Instruments(config)
    instruments.describe(effective, guard, attributes)
    register(instruments.store, registry)
    logs = _logs(config, instruments, guard)
    voice = Voice(None if logs is None else logs.pipeline)
    guard.report_to(voice.internal_error)
    traces = Traces(config, attributes, instruments, guard) if config.traces else None
    kit = _kit(config, registry, instruments, voice)
    _put_layer(kit, logs, traces, instruments, guard)
    _arrange_end(kit, logs, traces, instruments)
    voice.started(effective, [] if traces is None else traces.found)
    return kit


def _disabled(config: Config, registry: CollectorRegistry) -> Kit:
    """Return a kit that takes checks and asks none; applications stay as they are."""
    engine = Engine(config.probe_timeout_seconds, config.check_cache_seconds)
    return Kit(config, registry, Lifecycle(), engine)


def _logs(config: Config, instruments: Instruments, guard: Guard) -> Logs | None:
    if config.logs == "off":
        return None
    logs = Logs(config, instruments.log_record, instruments.log_dropped, guard)
    logs.install()
    return logs


def _kit(config: Config, registry: CollectorRegistry, instruments: Instruments, voice: Voice) -> Kit:
    lifecycle = Lifecycle(voice.lifecycle_changed)
    engine = Engine(
        config.probe_timeout_seconds, config.check_cache_seconds, instruments.checked, voice.check_changed
    )
    instruments.store.reading(catalogue.LIFECYCLE_STATE, lifecycle.readings)
    instruments.store.reading(catalogue.HEALTH_CHECK_STATUS, engine.readings)
    return Kit(config, registry, lifecycle, engine)


def _put_layer(
    kit: Kit, logs: Logs | None, traces: Traces | None, instruments: Instruments, guard: Guard
) -> None:
    exposition = instruments.exposition(kit.registry, guard)
    parts = Parts(
        metrics=instruments.requests if kit.config.metrics else None,
        tracing=None if traces is None else traces.tracing,
        logs=None if logs is None else logs.pipeline,
        endpoints=endpoints(kit.config, exposition, Probes(kit.lifecycle, kit.engine), guard),
        lifespan=Lifespan(kit.lifecycle, _nothing if logs is None else logs.take_over, kit.flush),
        guard=guard,
        claims={} if traces is None else SCOPE_CLAIMS,
        exemplars=traces is not None and traces.exports,
    )
    kit.layer = lambda app: HttpLayer(app, parts)


def _arrange_end(kit: Kit, logs: Logs | None, traces: Traces | None, instruments: Instruments) -> None:
    """Let spans go before lines: what goes wrong with them is still said."""
    if traces is not None:
        kit.at_end(traces.flush, traces.close)
    kit.at_end(_nothing, lambda _: kit.registry.unregister(instruments.store))
    if logs is not None:
        kit.at_end(logs.flush, logs.close)


def _nothing(*_: object) -> None:
    """Do nothing, where a part is off."""
