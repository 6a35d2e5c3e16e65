"""A service's own metrics: each type of prometheus-client, each mode of its gauges, and OpenTelemetry's."""

from itertools import count
from typing import Any, Final, Literal

from opentelemetry import metrics
from prometheus_client import REGISTRY, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.core import GaugeMetricFamily

Mode = Literal[
    "all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"
]
MODES: Final[tuple[Mode, ...]] = (
    "all",
    "liveall",
    "min",
    "livemin",
    "max",
    "livemax",
    "sum",
    "livesum",
    "mostrecent",
    "livemostrecent",
)
SECONDS: Final = (0.05, 0.5, 5.0)
"""What one act observes: once for each bucket."""


class OwnMetrics:
    """One of each; the first set is made before setup() is called, the second afterwards."""

    def __init__(self, prefix: str) -> None:
        self._numbers = count(1)
        self.labelled = Counter(f"{prefix}_labelled", "Acts by kind.", ["kind"])
        self.plain = Counter(f"{prefix}_plain", "Two for each act.")
        self.seconds = Histogram(f"{prefix}_seconds", "Time.", buckets=(0.1, 1.0, 10.0))
        self.by_kind = Histogram(f"{prefix}_by_kind_seconds", "Time.", ["kind"], buckets=(0.1, 1.0, 10.0))
        self.size = Summary(f"{prefix}_size", "Size.")
        self.held = Gauge(f"{prefix}_held", "Requests held.", multiprocess_mode="livesum")
        self.gauges = {
            mode: Gauge(f"{prefix}_gauge_{mode}", mode, ["what"], multiprocess_mode=mode) for mode in MODES
        }
        self.state = Enum(f"{prefix}_state", "State.", states=["idle", "busy"])
        self.state.state("busy")
        self.info = Info(f"{prefix}_build", "Build.")
        self.info.info({"version": "1.2.3"})
        meter = metrics.get_meter("shop")
        self.otel_acts = meter.create_counter(f"{prefix}.otel.acts", unit="{act}")
        self.otel_seconds = meter.create_histogram(f"{prefix}.otel.seconds", unit="s")

    def act(self) -> None:
        """Count one act in all that counts."""
        number = next(self._numbers)
        self.labelled.labels("sale").inc()
        self.plain.inc(2, exemplar={"act": str(number)})
        for seconds in SECONDS:
            self.seconds.observe(seconds, exemplar={"act": str(number)})
        self.by_kind.labels("sale").observe(0.5)
        self.size.observe(3.0)
        self.otel_acts.add(1, {"kind": "sale"})
        self.otel_seconds.record(0.5)

    def level(self, value: float) -> None:
        """Set the gauges of all modes."""
        for gauge in self.gauges.values():
            gauge.labels("level").set(value)


class Seven:
    """A collector of a service's own."""

    def collect(self) -> Any:
        yield GaugeMetricFamily("shop_collected", "Always seven.", value=7)


def register_collector() -> None:
    REGISTRY.register(Seven())
