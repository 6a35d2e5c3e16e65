"""What observekit emits: frozen data that instruments, boards, documents and checks are all made from."""

from observekit.catalogue.events import EVENTS
from observekit.catalogue.health import PROBES
from observekit.catalogue.metrics import METRICS
from observekit.catalogue.spans import SPANS
from observekit.catalogue.specs import EventSpec, MetricSpec, ProbeSpec, SpanSpec

__all__ = ["EVENTS", "METRICS", "PROBES", "SPANS", "EventSpec", "MetricSpec", "ProbeSpec", "SpanSpec"]
