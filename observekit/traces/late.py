"""A span whose attributes are made when somebody looks at them, which of most SERVER spans nobody does."""

from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.trace import Link
from opentelemetry.util.types import AttributeValue

from observekit.traces.cleaning import taken
from observekit.traces.spans import RecordingSpan

Later = tuple[Callable[..., dict[str, AttributeValue]], Any, Any, Any]
"""What makes attributes, and the three things that it makes them of."""


class LateAttributes(Mapping[str, AttributeValue]):
    """Attributes that are made when they are looked at."""

    __slots__ = ("_found", "_later")

    def __init__(self, later: Later) -> None:
        self._later = later
        self._found: dict[str, AttributeValue] | None = None

    def _made(self) -> dict[str, AttributeValue]:
        if self._found is None:
            make, *of = self._later
            self._found = make(*of)
        return self._found

    def items(self) -> ItemsView[str, AttributeValue]:
        """Return them in the form that they are read in."""
        return self._made().items()

    def __getitem__(self, key: str) -> AttributeValue:
        return self._made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())


class LateSpan(RecordingSpan):
    """A span whose first attributes are made when somebody asks for attributes.

    Whoever makes and ends it knows what they would be, and writes them without it; see untouched.
    """

    def begin_with(self, attributes: Mapping[str, Any] | None, links: Sequence[Link] | None) -> None:
        """Keep what the span begins with."""
        self._later = attributes
        for link in links or ():
            self.add_link(link.context, link.attributes)

    def __getattr__(self, name: str) -> Any:
        if name != "_attributes":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        limits = self._home.limits
        found: dict[str, AttributeValue] = {}
        self._dropped = taken(found, self._later, limits.attributes, limits.length)
        self._attributes = found
        return found

    @property
    def begun_ns(self) -> int:
        """When it began, in nanoseconds since 1970."""
        return self._start_time

    @property
    def untouched(self) -> bool:
        """Whether nobody has asked for its attributes, or added anything to it."""
        known = self.__dict__
        return not ("_attributes" in known or "_events" in known or "_links" in known or "_status" in known)

    def end_unseen(self, end_time: int) -> bool:
        """End the span without telling any processor; say whether it had not ended before."""
        if self.__dict__.pop("_open", None) is None:
            return False
        self._end_time = end_time
        self._home.open.ended(self._context.span_id)
        return True
