"""observekit as a subject, set up as its README says."""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from observekit import ObserveMiddleware, instrument, setup

from .client import App, Counted
from .sockets import Connected
from .subjects import UNMATCHED, Aborted, Told, by_family, counted, in_order, route_of, server_spans

_DURATION: Final = "http_server_request_duration_seconds"
_LABELS: Final = ("http_request_method", "http_route", "http_response_status_code")
_CONNECTION: Final = "websocket_server_connection_duration_seconds"


class Observekit:
    """observekit with the sizes of bodies, which it measures where it is asked to."""

    packages = ("observekit",)

    def __init__(self) -> None:
        self._begin()

    def set_up(self, *, series_limit: int | None = None, spans: bool = True) -> None:
        """End the kit, and begin another."""
        self._kit.shutdown()
        limit: dict[str, Any] = {} if series_limit is None else {"series_limit": series_limit}
        self._begin(traces=spans, **limit)

    def _begin(self, **settings: Any) -> None:
        self._kit = setup(
            registry=CollectorRegistry(),
            logs="off",
            runtime=False,
            body_sizes=True,
            trace_response=False,  # What is asked here is whether anything else is changed.
            **settings,
        )
        self._exporter = InMemorySpanExporter()
        provider: Any = trace.get_tracer_provider()
        if hasattr(provider, "add_span_processor"):
            provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def wrap(self, app: Any) -> App:
        """Observe in place what is of a known framework, and anything else from outside."""
        if not hasattr(app, "build_middleware_stack"):
            return ObserveMiddleware(app)
        instrument(app)
        observed: App = app
        return observed

    def requests(self) -> list[Counted]:
        """Return the observations of the duration."""
        return counted(self._samples(f"{_DURATION}_count"), _LABELS, unmatched=UNMATCHED)

    def seconds(self) -> float:
        """Return the sum of the duration."""
        return self._sum(f"{_DURATION}_sum")

    def in_flight(self) -> float:
        """Return the sum of the gauge."""
        return self._sum("http_server_active_requests")

    def series(self) -> Mapping[str, int]:
        """Count what begins with the name of the families."""
        families = [one for one in self._kit.registry.collect() if one.name.startswith("http_server")]
        return by_family(sample for family in families for sample in family.samples)

    def expected(self) -> list[Counted]:
        """Return the series of the duration without an observation."""
        empty = [one for one in self._samples(f"{_DURATION}_count") if not one.value]
        return counted([one._replace(value=1) for one in empty], _LABELS, unmatched=UNMATCHED)

    def aborts(self) -> list[Aborted]:
        """Return what the counter of aborted requests has."""
        found = []
        for one in self._samples("http_server_requests_aborted_total"):
            route = route_of(one.labels["http_route"], UNMATCHED)
            found += [Aborted(route, one.labels["reason"])] * int(one.value)
        return found

    def first_byte_seconds(self) -> float:
        """Return the sum of the family."""
        return self._sum("http_server_time_to_first_byte_seconds_sum")

    def background_seconds(self) -> float:
        """Return the sum of the family."""
        return self._sum("http_server_background_duration_seconds_sum")

    def body_bytes(self) -> tuple[float, float]:
        """Return the sums of both families."""
        names = (f"http_server_{kind}_body_size_bytes_sum" for kind in ("request", "response"))
        received, sent = map(self._sum, names)
        return received, sent

    def connections(self) -> list[Connected]:
        """Return the observations of the duration of connections."""
        found = []
        for one in self._samples(f"{_CONNECTION}_count"):
            route = route_of(one.labels["http_route"], UNMATCHED)
            found += [Connected(route, one.labels["code"])] * int(one.value)
        return in_order(found)

    def open_connections(self) -> float:
        """Return the sum of the gauge."""
        return self._sum("websocket_server_active_connections")

    def connection_seconds(self) -> float:
        """Return the sum of the duration."""
        return self._sum(f"{_CONNECTION}_sum")

    def messages(self) -> tuple[float, float]:
        """Return what the counter has of both directions."""
        found = self._samples("websocket_server_messages_total")
        received, sent = (
            sum(one.value for one in found if one.labels["direction"] == direction)
            for direction in ("received", "sent")
        )
        return received, sent

    def spans(self) -> list[Told]:
        """Return the SERVER spans."""
        return server_spans(self._exporter.get_finished_spans())

    def named_spans(self) -> list[Told]:
        """Return the SERVER spans."""
        return self.spans()

    def close(self) -> None:
        """End the kit."""
        self._kit.shutdown()

    def _sum(self, name: str) -> float:
        return sum(sample.value for sample in self._samples(name))

    def _samples(self, name: str) -> list[Sample]:
        return [one for family in self._kit.registry.collect() for one in family.samples if one.name == name]
