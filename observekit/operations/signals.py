"""What a run of an operation, or the work on a message, is told to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import Tracer
from opentelemetry.util.types import AttributeValue

from observekit.guard import Guard
from observekit.logs.events import Events
from observekit.logs.values import Cleaner
from observekit.metrics.cells import CounterCell, GaugeCell, HistogramCell
from observekit.metrics.family import Family
from observekit.metrics.labelled import Labelled

COMPONENT: Final = "operations"
# More than a span may have unless it is told otherwise; the SDK cuts the rest.
_ATTRIBUTES: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkMetrics:
    """The families that operations and messages are counted in."""

    operations: Labelled
    jobs: Family[GaugeCell]
    messages: Family[HistogramCell]
    consumed: Family[CounterCell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What there is of each signal; ``None`` where it is off.

    Args:
        exemplars: Whether sampled spans are sent anywhere, so that they may be exemplars.
        text_length: Characters that a text on a span may have.
        mistaken: Counts a mistake with context, by its reason.
    """

    metrics: WorkMetrics | None
    tracer: Tracer | None
    pipeline: Events | None
    guard: Guard
    exemplars: bool
    text_length: int
    mistaken: Callable[[str], None]

    def failed(self, error: BaseException) -> None:
        """Count a failure of ours."""
        self.guard.failed(COMPONENT, error)


def attributes_of(fields: Mapping[str, object], length: int) -> dict[str, AttributeValue]:
    """Return *fields* as a span can hold them: redacted, of simple types, texts not over *length*."""
    cleaner = Cleaner()
    found: dict[str, AttributeValue] = {}
    for name, value in list(fields.items())[:_ATTRIBUTES]:
        shown = cleaner.field(name, value)
        found[name] = shown if isinstance(shown, bool | int | float) else str(shown)[:length]
    return found
