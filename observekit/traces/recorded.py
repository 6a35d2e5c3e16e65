"""Events and links as a span keeps them: each knows what found no room in it."""

from opentelemetry.sdk.trace import Event
from opentelemetry.trace import Link, SpanContext
from opentelemetry.util.types import AttributeValue


class RecordedEvent(Event):
    """An event that knows how many attributes found no room in it."""

    def __init__(
        self, name: str, attributes: dict[str, AttributeValue], timestamp: int | None, dropped: int
    ) -> None:
        super().__init__(name, attributes, timestamp)
        self._dropped = dropped

    @property
    def dropped_attributes(self) -> int:
        """How many attributes found no room."""
        return self._dropped


class RecordedLink(Link):
    """A link that knows how many attributes found no room in it."""

    def __init__(self, context: SpanContext, attributes: dict[str, AttributeValue], dropped: int) -> None:
        super().__init__(context, attributes)
        self._dropped = dropped

    @property
    def dropped_attributes(self) -> int:
        """How many attributes found no room."""
        return self._dropped
