"""The composition root: a Kit from a configuration, each part handed what it needs of the others."""

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry

from observekit.asgi import ASGIApp
from observekit.catalogue import metrics as catalogue
from observekit.config import Config, Effective
from observekit.guard import Guard
from observekit.health.engine import Engine
from observekit.health.lifecycle import Lifecycle, State
from observekit.health.state import Health
from observekit.http.claims import Tracer
from observekit.http.event import RequestLog
from observekit.http.layer import HttpLayer, Parts
from observekit.http.lifespan import Lifespan
from observekit.http.sockets import SocketParts
from observekit.http.told import tells
from observekit.http.under_way import UnderWay
from observekit.install.health import health_of, pace_of
from observekit.install.identity import resource
from observekit.install.instruments import Instruments, register
from observekit.install.kit import Kit
from observekit.install.log_export import LogExport
from observekit.install.meters import Meters
from observekit.install.ports import Ports
from observekit.install.runtime import follow, watch
from observekit.install.tracing import Traces, quarantine
from observekit.install.voice import Voice
from observekit.install.workers import Workers
from observekit.integrations.starlette import SCOPE_CLAIMS
from observekit.logs.correlate import Correlation
from observekit.logs.names import forget_names
from observekit.logs.setup import Counts, Logs
from observekit.operations.context import ContextTools
from observekit.operations.messages import Messages
from observekit.operations.periods import Periods
from observekit.operations.signals import Signals
from observekit.redaction import set_keys

LogPath = Logs | Correlation


def assemble(effective: Effective, registry: CollectorRegistry, periods: Periods) -> Kit:
    """Set everything up that the configuration wants; what fails half-way leaves nothing behind.

    *periods* are those of jobs, of which some may be declared already.

    Raises:
        ConfigError: If *registry* has metrics of our names already.
    """
    config = effective.config
    if not config.enabled:
        return _disabled(config, registry)
    quarantine(effective)
    # Before anything is looked at. They stay when the kit goes, for last lines are written then, too.
    set_keys(exempt=config.redaction_allow, secret=config.redaction_keys)
    # Whatever becomes of logs: with those that are only correlated, events of ours have fields, too.
    forget_names()
    guard = Guard(catalogue.COMPONENTS)
    instruments = Instruments(config, guard)
    workers = _workers(config, instruments, registry, guard)
    attributes = resource(config, None if workers is None else workers.start)
    instruments.describe(effective, guard, attributes, periods)
    logs = _logs(config, instruments, guard)
    voice = _voice(logs, instruments, guard)
    kit, health = _kit(config, registry, instruments, voice, guard)
    try:
        _install(kit, instruments, logs)
        _export_logs(kit, attributes, instruments, logs, guard)
        meters = _meters(kit, attributes, instruments, voice, guard)
        traces = _traces(kit, attributes, instruments, guard) if config.traces else None
        ports = Ports(kit, health, instruments, workers, guard)
        _put_layer(kit, instruments, (logs, traces), ports.beside_application(), voice, guard)
        _put_signals(kit, instruments, logs, traces, guard)
        kit.on_built(lambda app: ports.tell_shadowed(app, voice))
        _join(kit, workers, voice)
        ports.open(voice)
        found = [one for part in (meters, traces, workers, ports) if part for one in part.found]
        voice.started(effective, found, kit.ops_port)
    except BaseException:
        kit.release(0.0)
        raise
    return kit


def _disabled(config: Config, registry: CollectorRegistry) -> Kit:
    """Return a kit that takes checks and asks none; applications stay as they are."""
    return Kit(config, registry, Lifecycle(), Engine(pace_of(config)))


def _workers(
    config: Config, instruments: Instruments, registry: CollectorRegistry, guard: Guard
) -> Workers | None:
    workers = Workers(config, instruments, registry, guard) if config.metrics else None
    instruments.describe_workers(None if workers is None else workers.member)
    return workers


def _voice(logs: LogPath | None, instruments: Instruments, guard: Guard) -> Voice:
    voice = Voice(None if logs is None else logs.pipeline, guard)
    guard.report_to(voice.internal_error)
    instruments.spans_lost = voice.export_failed
    instruments.spans_wait = voice.export_waits
    return voice


def _logs(config: Config, instruments: Instruments, guard: Guard) -> LogPath | None:
    if config.logs == "off":
        return None
    if config.logs == "correlate":
        return Correlation(config.service_name, instruments.log_record, guard)
    counts = Counts(instruments.log_record, instruments.log_dropped, instruments.log_suppressed)
    return Logs(config, counts, guard)


def _kit(
    config: Config, registry: CollectorRegistry, instruments: Instruments, voice: Voice, guard: Guard
) -> tuple[Kit, Health]:
    watched = watch(instruments.store, voice) if config.runtime else None

    under_way = UnderWay()

    def follow_loop(state: State) -> None:
        if state == "ready":
            under_way.keep_connections()
        elif state == "draining":
            under_way.close_connections()
        if watched is not None:
            follow(watched, state)

    health, refresher = health_of(config, instruments, voice, guard, follow_loop)
    kit = Kit(config, registry, health.lifecycle, health.engine, guard.failed)
    kit.under_way = under_way
    kit.on_release(refresher.stop)
    if watched is not None:
        kit.on_release(watched.stop)
    return kit, health


def _install(kit: Kit, instruments: Instruments, logs: LogPath | None) -> None:
    kit.on_release(register(instruments.store, kit.registry))
    if logs is not None:
        kit.at_end("logs", logs.flush, logs.close)
        if isinstance(logs, Logs):  # Whoever only correlates has no queue of ours.
            kit.engine.fills["logs"] = logs.fill
        logs.install()
    if isinstance(logs, Logs):
        kit.levels = logs.changes


def _export_logs(
    kit: Kit, attributes: dict[str, str], instruments: Instruments, logs: LogPath | None, guard: Guard
) -> None:
    config = kit.config
    if not isinstance(logs, Logs) or config.logs_exporter == "none" or config.logs_endpoint is None:
        return
    try:
        export = LogExport(config, attributes, instruments, guard, logs.pipeline.tell)
    except Exception as error:  # noqa: BLE001 -- as with traces
        guard.failed("logs", error)
        return
    # After the logs, so that it ends before them.
    kit.at_end("logs", export.flush, export.close)
    logs.pipeline.export = export.take


def _meters(
    kit: Kit, attributes: dict[str, str], instruments: Instruments, voice: Voice, guard: Guard
) -> Meters | None:
    """Return the meters; none where OpenTelemetry is broken, because a service starts without."""
    if not (kit.config.metrics and kit.config.otel_metrics):
        return None
    try:
        meters = Meters(kit.config, attributes, kit.registry, guard, voice.metric_left_out)
    except Exception as error:  # noqa: BLE001 -- as with traces
        guard.failed("metrics", error)
        return None
    kit.at_end("metrics", meters.flush, meters.close)
    meters.show_in(instruments.store)
    kit.measures_alone = meters.ours
    return meters


def _traces(kit: Kit, attributes: dict[str, str], instruments: Instruments, guard: Guard) -> Traces | None:
    """Return the traces; none where a library they stand on is broken, because a service starts without."""
    try:
        traces = Traces(kit.config, attributes, instruments, guard)
    except Exception as error:  # noqa: BLE001 -- counted and told; it may be any version of any of them
        guard.failed("traces", error)
        return None
    # After the logs, so that it ends before them: what goes wrong with spans is still said.
    kit.at_end("traces", traces.flush, traces.close)
    kit.engine.fills["traces"] = partial(traces.fill, kit.config)
    return traces


def _join(kit: Kit, workers: Workers | None, voice: Voice) -> None:
    """Become a worker, if the process was started as one; once everything that it shares is there."""
    if workers is None:
        return
    kit.on_release(workers.stop)
    # It ends before all others: what they are read from is still there.
    kit.at_end("workers", lambda _: workers.member.refresh(), lambda _: workers.member.close_sources())
    workers.begin(voice)


def _put_layer(
    kit: Kit,
    instruments: Instruments,
    signals: tuple[LogPath | None, Traces | None],
    served: Mapping[str, ASGIApp],
    voice: Voice,
    guard: Guard,
) -> None:
    logs, traces = signals

    def configured() -> None:
        kit.engine.home.settle()
        kit.join()
        if logs is not None:
            logs.take_over()

    tracer = Tracer(None, {}, guard) if traces is None else Tracer(traces.tracing, SCOPE_CLAIMS, guard)
    pipeline = None if logs is None else logs.pipeline
    exemplars = traces is not None and traces.exports
    measured = kit.config.metrics
    parts = Parts(
        metrics=instruments.requests if measured else None,
        tracer=tracer,
        logs=None if pipeline is None else RequestLog(pipeline),
        flight=logs.flight if isinstance(logs, Logs) else None,
        endpoints=served,
        lifespan=Lifespan(kit.lifecycle, configured, kit.flush, guard),
        guard=guard,
        exemplars=exemplars,
        sockets=SocketParts(
            instruments.sockets if measured else None, tracer, pipeline, guard, exemplars, kit.under_way
        ),
        neighbours_found=voice.neighbours_found,
        under_way=kit.under_way,
        tells=tells(response=kit.config.trace_response, timing=kit.config.server_timing),
    )

    def layer(app: ASGIApp) -> ASGIApp:
        if isinstance(logs, Logs):
            logs.replace_access()
        return HttpLayer(app, parts)

    kit.layer = layer


def _put_signals(
    kit: Kit, instruments: Instruments, logs: LogPath | None, traces: Traces | None, guard: Guard
) -> None:
    """Let operations and messages be told, for as long as the kit lives."""

    def forget() -> None:
        kit.signals = None

    kit.signals = Signals(
        metrics=instruments.work if kit.config.metrics else None,
        tracer=None if traces is None else traces.tracer,
        pipeline=None if logs is None else logs.pipeline,
        guard=guard,
        exemplars=traces is not None and traces.exports,
        text_length=kit.config.span_attribute_length_limit,
        mistaken=instruments.mistaken,
    )
    if traces is not None:
        kit.context = ContextTools(traces.words, lambda: kit.signals)
        kit.messages = Messages(kit.context, lambda: kit.signals)
    kit.on_release(forget)
