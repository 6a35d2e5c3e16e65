"""The peers, each with the settings of its own documentation that suit this suite best.

They are imported by name, because they are not there where only observekit is tested.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import REGISTRY
from prometheus_client.samples import Sample
from starlette.applications import Starlette

from .client import App, Counted
from .observed import Observekit
from .subjects import OVERFLOW, Subject, Told, by_family, counted, in_order, server_spans
from .unclaimed import Unclaimed


class _OnDefaultRegistry(Unclaimed):
    """What is the same for those that write to prometheus-client's default registry."""

    def __init__(self) -> None:
        self._before = set(REGISTRY._collector_to_names)

    def close(self) -> None:
        """Take out of the registry what has come since."""
        for collector in set(REGISTRY._collector_to_names) - self._before:
            REGISTRY.unregister(collector)

    def _sum(self, name: str) -> float:
        return sum(sample.value for sample in self._samples(name))

    def _samples(self, prefix: str) -> list[Sample]:
        own = set(REGISTRY._collector_to_names) - self._before
        families = [family for collector in own for family in collector.collect()]
        return [one for family in families for one in family.samples if one.name.startswith(prefix)]


class Instrumentator(_OnDefaultRegistry):
    """prometheus-fastapi-instrumentator, with statuses that are not grouped and the gauge that it offers."""

    packages = ("prometheus_fastapi_instrumentator",)
    _SETTINGS: Final = {"should_group_status_codes": False, "should_instrument_requests_inprogress": True}

    def wrap(self, app: Any) -> App:
        """Instrument an application; anything else gets the middleware alone."""
        peer = import_module("prometheus_fastapi_instrumentator")
        if isinstance(app, Starlette):
            peer.Instrumentator(**self._SETTINGS).instrument(app)
            return app
        middleware: App = peer.middleware.PrometheusInstrumentatorMiddleware(app, **self._SETTINGS)
        return middleware

    def requests(self) -> list[Counted]:
        """Return what the counter has."""
        return counted(
            self._samples("http_requests_total"), ("method", "handler", "status"), unmatched="none"
        )

    def seconds(self) -> float:
        """Return the sum of the duration."""
        return self._sum("http_request_duration_seconds_sum")

    def in_flight(self) -> float:
        """Return the value of the gauge."""
        return self._sum("http_requests_inprogress")

    def body_bytes(self) -> tuple[float, float]:
        """Return the sums of both summaries."""
        return self._sum("http_request_size_bytes_sum"), self._sum("http_response_size_bytes_sum")

    def series(self) -> Mapping[str, int]:
        """Count everything."""
        return by_family(self._samples("http_"))


class Exporter(_OnDefaultRegistry):
    """starlette-exporter, with paths that no route has under one name, and its optional metrics."""

    packages = ("starlette_exporter",)
    _SETTINGS: Final = {
        "group_paths": True,
        "filter_unhandled_paths": False,
        "group_unhandled_paths": True,
        "optional_metrics": ["request_body_size", "response_body_size"],
    }

    def wrap(self, app: Any) -> App:
        """Add the middleware to an application, or put it around anything else."""
        middleware = import_module("starlette_exporter").PrometheusMiddleware
        if isinstance(app, Starlette):
            app.add_middleware(middleware, **self._SETTINGS)
            return app
        wrapped: App = middleware(app, **self._SETTINGS)
        return wrapped

    def requests(self) -> list[Counted]:
        """Return what the counter has."""
        return counted(
            self._samples("starlette_requests_total"),
            ("method", "path", "status_code"),
            unmatched="__unknown__",
        )

    def seconds(self) -> float:
        """Return the sum of the duration."""
        return self._sum("starlette_request_duration_seconds_sum")

    def in_flight(self) -> float:
        """Return the sum of the gauge."""
        return self._sum("starlette_requests_in_progress")

    def body_bytes(self) -> tuple[float, float]:
        """Return both counters, which it has where it is asked for them."""
        received, sent = (self._sum(f"starlette_{kind}_body_bytes_total") for kind in ("request", "response"))
        return received, sent

    def series(self) -> Mapping[str, int]:
        """Count everything."""
        return by_family(self._samples("starlette_"))

    def close(self) -> None:
        """Forget the metrics that the class keeps, too."""
        super().close()
        import_module("starlette_exporter").PrometheusMiddleware._metrics.clear()


class OpenTelemetry(Unclaimed):
    """OpenTelemetry's ASGI middleware, outermost.

    With the conventions that it has unless told otherwise: the stable ones leave the route out. By its
    documentation, spans are named by method and path.
    """

    packages = ("opentelemetry.instrumentation.asgi",)

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._exporter = InMemorySpanExporter()
        self._tracers = TracerProvider(shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._exporter))

    def set_up(self, *, series_limit: int | None = None, spans: bool = True) -> None:
        """Record no spans where none are wanted."""
        super().set_up(series_limit=series_limit)
        if not spans:
            self._tracers = TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)

    def wrap(self, app: Any) -> App:
        """Put the middleware around anything."""
        middleware = import_module("opentelemetry.instrumentation.asgi").OpenTelemetryMiddleware
        wrapped: App = middleware(app, meter_provider=self._meters, tracer_provider=self._tracers)
        return wrapped

    def requests(self) -> list[Counted]:
        """Return the observations of the duration."""
        found = []
        for point in self._points("http.server.duration"):
            told = point.attributes
            # What is over the limit of the SDK has no attribute but that it is.
            method, status = told.get("http.method", OVERFLOW), told.get("http.status_code")
            found += [Counted(method, told.get("http.target"), status)] * point.count
        return in_order(found)

    def seconds(self) -> float:
        """Return the sum of the duration, which is in milliseconds."""
        return sum(float(point.sum) / 1000 for point in self._points("http.server.duration"))

    def in_flight(self) -> float:
        """Return the sum of the up-down counter."""
        return sum(float(point.value) for point in self._points("http.server.active_requests"))

    def series(self) -> Mapping[str, int]:
        """Count everything."""
        return {one.name: len(one.data.data_points) for one in self._metrics()}

    def body_bytes(self) -> tuple[float, float]:
        """Return the sums of both histograms."""
        received, sent = (
            sum(float(point.sum) for point in self._points(f"http.server.{kind}.size"))
            for kind in ("request", "response")
        )
        return received, sent

    def spans(self) -> list[Told]:
        """Return the SERVER spans."""
        return server_spans(self._exporter.get_finished_spans())

    def close(self) -> None:
        """End the providers."""
        self._tracers.shutdown()
        self._meters.shutdown()

    def _points(self, name: str) -> list[Any]:
        return [point for one in self._metrics() if one.name == name for point in one.data.data_points]

    def _metrics(self) -> list[Any]:
        data = self._reader.get_metrics_data()
        resources = [] if data is None else data.resource_metrics
        return [one for resource in resources for scope in resource.scope_metrics for one in scope.metrics]


SUBJECTS: Final[dict[str, Callable[[], Subject]]] = {
    "observekit": Observekit,
    "prometheus-fastapi-instrumentator": Instrumentator,
    "starlette-exporter": Exporter,
    "opentelemetry-instrumentation-asgi": OpenTelemetry,
}
"""By the name of the distribution."""
