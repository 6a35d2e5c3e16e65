"""What a middleware must be able to tell to be a subject, and observekit as one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from observekit import ObserveMiddleware, instrument, setup

from .client import App, Counted

OTHER: Final = "_OTHER"


@dataclass(frozen=True)
class Told:
    """A SERVER span: its name, its route and the status it says."""

    name: str
    route: str | None
    status: int | None


class Subject(Protocol):
    """A middleware as its users have it; one for each test."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Return whose clock is replaced where a test rules the time."""

    def wrap(self, app: Any) -> App:
        """Observe an application, as the documentation says for its kind."""

    def requests(self) -> list[Counted]:
        """Return each request that was counted, sorted; its own words for no route become ``None``."""

    def seconds(self) -> float:
        """Return how long all requests took together."""

    def in_flight(self) -> float:
        """Return how many requests are being answered."""

    def series(self) -> int:
        """Return how many series the requests have made, of every family about them."""

    def spans(self) -> list[Told]:
        """Return the SERVER spans, or skip the test where the subject makes none."""

    def named_spans(self) -> list[Told]:
        """Return the SERVER spans, or skip the test where they are not claimed to name routes."""

    def close(self) -> None:
        """Leave nothing behind."""


class Observekit:
    """observekit, set up as its README says."""

    packages = ("observekit",)

    def __init__(self) -> None:
        self._kit = setup(registry=CollectorRegistry(), logs="off", runtime=False)
        self._exporter = InMemorySpanExporter()
        provider: Any = trace.get_tracer_provider()
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
        return counted(
            self._samples("http_server_request_duration_seconds_count"),
            ("http_request_method", "http_route", "http_response_status_code"),
            unmatched="_unmatched",
        )

    def seconds(self) -> float:
        """Return the sum of the duration."""
        return sum(sample.value for sample in self._samples("http_server_request_duration_seconds_sum"))

    def in_flight(self) -> float:
        """Return the sum of the gauge."""
        return sum(sample.value for sample in self._samples("http_server_active_requests"))

    def series(self) -> int:
        """Count what begins with the name of the families."""
        families = [
            family for family in self._kit.registry.collect() if family.name.startswith("http_server")
        ]
        return len(label_sets(sample for family in families for sample in family.samples))

    def spans(self) -> list[Told]:
        """Return the SERVER spans."""
        return server_spans(self._exporter.get_finished_spans())

    def named_spans(self) -> list[Told]:
        """Return the SERVER spans."""
        return self.spans()

    def close(self) -> None:
        """End the kit."""
        self._kit.shutdown()

    def _samples(self, name: str) -> list[Sample]:
        return [one for family in self._kit.registry.collect() for one in family.samples if one.name == name]


def counted(samples: Iterable[Sample], labels: tuple[str, str, str], *, unmatched: str) -> list[Counted]:
    """Return each request behind *samples*, whose *labels* say method, route and status."""
    found = []
    for sample in samples:
        method, route, status = (sample.labels[name] for name in labels)
        one = Counted(method, None if route == unmatched else route, int(status) if status else None)
        found += [one] * int(sample.value)
    return in_order(found)


def in_order(found: Iterable[Counted]) -> list[Counted]:
    """Return *found* in one order, whatever it has ``None`` for."""
    return sorted(found, key=repr)


def label_sets(samples: Iterable[Sample]) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return the series of *samples*, the buckets of a histogram as one."""
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for sample in samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


def server_spans(spans: Iterable[ReadableSpan]) -> list[Told]:
    """Return what SERVER spans say."""
    found = []
    for span in spans:
        if span.kind is SpanKind.SERVER:
            told: Any = span.attributes
            status = told.get("http.response.status_code", told.get("http.status_code"))
            found.append(Told(span.name, told.get("http.route"), status))
    return found


def not_claimed() -> list[Told]:
    """Skip a test about spans: the subject does not claim to make such."""
    pytest.skip("does not claim to make such spans")
