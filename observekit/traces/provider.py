"""The tracer provider: OpenTelemetry's own to all who use it, made from the configuration."""

# First, so that its lock is free before a provider of the SDK's, from 1.45 on, makes a pool of threads in a
# forked child: handlers run in the order in which they were registered. Else the child is stuck for ever.
import concurrent.futures.thread  # noqa: F401
from collections.abc import Callable, Mapping
from importlib.metadata import version
from threading import RLock
from typing import Any, Final
from uuid import uuid4

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Tracer as AnyTracer
from opentelemetry.util.types import Attributes

from observekit.config import Config
from observekit.guard import Guard, in_forked_child
from observekit.semconv import SERVICE_INSTANCE_ID
from observekit.traces.cleaning import Limits
from observekit.traces.ids import SystemIds
from observekit.traces.processors import Processors
from observekit.traces.spans import Home
from observekit.traces.tracer import LightTracer, Ways, rule_of
from observekit.traces.under_way import OpenSpans

# More libraries than a service has; who makes names of data gets a tracer for each call, and none is kept.
_TRACERS: Final = 1024


class ProcessResource(Resource):
    """Who the process is; a forked child is somebody else than its parent.

    Collectors put what has the same ``service.instance.id`` into one, as if one process had told it all.
    """

    def __init__(self, attributes: Mapping[str, str]) -> None:
        super().__init__(dict(attributes))
        in_forked_child(self._be_another)

    def _be_another(self) -> None:
        self._attributes = BoundedAttributes(
            attributes={**self._attributes, SERVICE_INSTANCE_ID: str(uuid4())}
        )


class Provider(TracerProvider):
    """Makes tracers whose spans are light; everything else is the SDK's."""

    _ways: Ways
    _light: dict[InstrumentationScope, LightTracer]
    open_spans: OpenSpans

    def lighten(self, ways: Ways) -> None:
        """Make light spans from now on."""
        self._ways = ways
        self._light = {}
        self.open_spans = OpenSpans()
        self._renew_lock()

    @property
    def processors(self) -> Processors:
        """Who is told of spans."""
        return self._ways.processors

    def has_others(self, than: SpanProcessor | None) -> bool:
        """Whether anybody is told of spans besides *than*."""
        return self._ways.processors.others(than)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> AnyTracer:
        """Return the tracer of a library."""
        tracer = super().get_tracer(
            instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        )
        return self._lightened(tracer) if isinstance(tracer, Tracer) else tracer

    def _lightened(self, tracer: Tracer) -> LightTracer:
        # Not by the tracer: before 1.41 the SDK makes a new one for each call.
        scope = tracer._instrumentation_scope  # noqa: SLF001 -- it has no other way to be known
        known = self._light.get(scope)
        if known is None:
            ways = self._ways
            home = Home(self.resource, scope, ways.processors, ways.limits, self.open_spans)
            known = LightTracer(tracer, ways, home)
            if len(self._light) < _TRACERS:
                self._light[scope] = known
        return known

    def _handle_fork(self) -> None:
        # The SDK's looks for an identity in a pool of threads, and would set it over the one configured.
        self._renew_lock()

    def _renew_lock(self) -> None:
        # Re-entrant, unlike the SDK's: a signal handler may ask for a tracer while one is made.
        lock: Any = RLock()
        self._tracers_lock = lock


def make_provider(
    config: Config,
    attributes: Mapping[str, str],
    processor: SpanProcessor | None,
    guard: Guard,
    mistaken: Callable[[str], None],
) -> Provider:
    """Return a provider that hands ended spans to *processor*; what others raise goes to *guard*.

    *mistaken* counts mistakes with context, by their reason.
    """
    processors, ids = Processors(guard), SystemIds()
    provider = Provider(
        sampler=_sampler(config),
        resource=_resource(config, attributes),
        shutdown_on_exit=False,  # Kit.shutdown() ends everything within one budget.
        id_generator=ids,
        span_limits=_limits(config),
        active_span_processor=processors,
    )
    keeps = processor is not None and (config.keep_errors or config.keep_slow_seconds is not None)
    rule = rule_of(config.traces_sampler, config.traces_sample_ratio)
    provider.lighten(Ways(processors, _bounds(config), rule, ids, keeps, mistaken))
    if processor is not None:
        provider.add_span_processor(processor)
    return provider


def _sampler(config: Config) -> Sampler:
    kind = config.traces_sampler.removeprefix("parentbased_")
    root: Sampler = TraceIdRatioBased(config.traces_sample_ratio)
    if kind != "traceidratio":
        root = ALWAYS_ON if kind == "always_on" else ALWAYS_OFF
    return ParentBased(root) if config.traces_sampler.startswith("parentbased_") else root


def _limits(config: Config) -> SpanLimits:
    return SpanLimits(
        max_attributes=config.span_attribute_limit,
        max_events=config.span_event_limit,
        max_links=config.span_link_limit,
        max_span_attributes=config.span_attribute_limit,
        max_event_attributes=config.event_attribute_limit,
        max_link_attributes=config.link_attribute_limit,
        max_attribute_length=config.event_attribute_length_limit,
        max_span_attribute_length=config.span_attribute_length_limit,
    )


def _bounds(config: Config) -> Limits:
    return Limits(
        attributes=config.span_attribute_limit,
        length=config.span_attribute_length_limit,
        events=config.span_event_limit,
        links=config.span_link_limit,
        event_attributes=config.event_attribute_limit,
        link_attributes=config.link_attribute_limit,
        event_length=config.event_attribute_length_limit,
    )


def _resource(config: Config, attributes: Mapping[str, str]) -> Resource:
    known = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": version("opentelemetry-sdk"),
        **attributes,
    }
    if config.service_instance_id is not None:
        return Resource(known)  # Somebody has chosen it, whoever has it.
    # Not that of the metrics page, which is the same for all workers of a service.
    return ProcessResource({**known, SERVICE_INSTANCE_ID: str(uuid4())})
