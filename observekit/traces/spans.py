"""A span that records: OpenTelemetry's to all who look at it, and cheap to begin and to end.

The SDK's own takes a lock for every span, one for its attributes and one each for events and links, and
raises in the middle of somebody's code what the text conversion of a value raises. Here each change is one
step of a dictionary or a list, which the interpreter does not divide.
"""

from collections.abc import Mapping, Sequence
from logging import getLogger
from time import time_ns
from types import MappingProxyType, TracebackType
from typing import Any, Final, NamedTuple, Self

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace import Span as AnySpan
from opentelemetry.util.types import Attributes, AttributeValue

from observekit.traces.cleaning import Limits, taken
from observekit.traces.exceptions import exception_attributes, message_of
from observekit.traces.processors import Processors
from observekit.traces.recorded import RecordedEvent, RecordedLink
from observekit.traces.under_way import OpenSpans

# As the SDK says it, so that who filters its records finds this one.
_LOGGER: Final = getLogger("opentelemetry.sdk.trace")
_UNSET: Final = Status()
# Characters of a description: four times those that leave, as some are hidden on the way.
_DESCRIPTION: Final = 4096


class Home(NamedTuple):
    """What the spans of one tracer have in common."""

    resource: Resource
    scope: InstrumentationScope
    processors: Processors
    limits: Limits
    open: OpenSpans


class RecordingSpan(Span):
    """A span that has begun; what is asked of it after its end is left alone."""

    # What most spans never change stands here once, and not in each of them.
    _context: SpanContext
    _end_time: int | None = None
    _status: Status = _UNSET
    _events: Sequence[Event] = ()
    _links: Sequence[Link] = ()
    _attributes: Any
    _dropped = 0
    _dropped_events = 0
    _dropped_links = 0
    _record_exception = True
    _set_status_on_exception = True
    _root: "RecordingSpan | None" = None

    def __new__(cls, *_: object) -> Self:
        """Make one without the SDK's check of who asks."""
        return object.__new__(cls)

    def __init__(
        self,
        home: Home,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        start_time: int,
    ) -> None:
        # Not that of the SDK, which makes what it needs and we do not.
        self._home = home
        self._name = name
        self._context = context
        self._parent = parent
        self._kind = kind
        self._start_time: int = start_time
        self._open = True
        home.open.began(context.span_id)

    def begin_with(self, attributes: Mapping[str, Any] | None, links: Sequence[Link] | None) -> None:
        """Take what the span begins with; call once, after it was made."""
        limits = self._home.limits
        found: dict[str, AttributeValue] = {}
        self._attributes = found
        if attributes:
            self._dropped = taken(found, attributes, limits.attributes, limits.length)
        for link in links or ():
            self.add_link(link.context, link.attributes)

    def tells_exceptions(self, *, record: bool, as_status: bool) -> None:
        """Say what becomes of an exception that leaves the span's block."""
        self._record_exception = record
        self._set_status_on_exception = as_status

    def joins(self, parent: AnySpan) -> None:
        """Note that it is a part of what *parent* is a part of, if that is recorded here."""
        if isinstance(parent, RecordingSpan):
            self._root = parent.local_root

    @property
    def local_root(self) -> "RecordingSpan":
        """The span that the work began with in this process; may be this one."""
        return self if self._root is None else self._root

    @property
    def home(self) -> Home:
        """What it has in common with other spans of its tracer."""
        return self._home

    @property
    def resource(self) -> Resource:
        """Who the process is."""
        return self._home.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Who made the span."""
        return self._home.scope

    @property
    def attributes(self) -> Attributes:
        """What is known by now; another thread may set more meanwhile."""
        return MappingProxyType(dict(self._attributes))

    @property
    def dropped_attributes(self) -> int:
        """How many attributes found no room."""
        return self._dropped

    @property
    def dropped_events(self) -> int:
        """How many events found no room."""
        return self._dropped_events

    @property
    def dropped_links(self) -> int:
        """How many links found no room."""
        return self._dropped_links

    def is_recording(self) -> bool:
        """Whether the span has not ended."""
        return self._end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set an attribute, whatever its value is; beyond the limit it is counted only."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes, whatever their values are; those beyond the limit are counted only."""
        if self._is_over("set_attributes"):
            return
        limits = self._home.limits
        dropped = taken(self._attributes, attributes, limits.attributes, limits.length)
        if dropped:
            self._dropped += dropped

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event; of more than the limit the earliest go."""
        if self._is_over("add_event"):
            return
        limits = self._home.limits
        found: dict[str, AttributeValue] = {}
        dropped = taken(found, attributes, limits.event_attributes, limits.event_length)
        events: list[Event] = self.__dict__.setdefault("_events", [])
        events.append(RecordedEvent(name, found, timestamp, dropped))
        if len(events) > limits.events:
            del events[0]
            self._dropped_events += 1

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link; of more than the limit the earliest go."""
        if not (context.is_valid or attributes or context.trace_state):
            return
        if self._is_over("add_link"):
            return
        limits = self._home.limits
        found: dict[str, AttributeValue] = {}
        dropped = taken(found, attributes, limits.link_attributes, limits.event_length)
        links: list[Link] = self.__dict__.setdefault("_links", [])
        links.append(RecordedLink(context, found, dropped))
        if len(links) > limits.links:
            del links[0]
            self._dropped_links += 1

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if not self._is_over("update_name"):
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; OK is final, and UNSET is no status."""
        if self._is_over("set_status") or self._status.status_code is StatusCode.OK:
            return
        new = status if isinstance(status, Status) else Status(status, description)
        if new.status_code is not StatusCode.UNSET:
            self._status = new

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 -- as OpenTelemetry has it
    ) -> None:
        """Add an exception as an event; never raises, whatever its own methods do."""
        told: dict[str, AttributeValue] = {
            **exception_attributes(exception),
            "exception.escaped": str(escaped),
            **(attributes or {}),
        }
        self.add_event("exception", told, timestamp)

    def start(self, *_: object, **__: object) -> None:
        """Do nothing: it has begun when it was made."""
        _LOGGER.warning("Calling start() on a started span.")

    def end(self, end_time: int | None = None) -> None:
        """End the span, once."""
        # One step, so that of two threads only one ends it.
        if self.__dict__.pop("_open", None) is None:
            _LOGGER.warning("Calling end() on an ended span.")
            return
        self._end_time = time_ns() if end_time is None else end_time
        self._home.open.ended(self._context.span_id)
        self._home.processors.on_end(self)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """End the span, with the exception that left its block."""
        if exc_val is not None:
            self.take_exception(exc_val, escaped=True)
        self.end()

    def take_exception(self, error: BaseException, *, escaped: bool = False) -> None:
        """Note an exception that has left the span's block, as it was told to."""
        if not self.is_recording():
            return
        if self._record_exception:
            self.record_exception(error, escaped=escaped)
        if self._set_status_on_exception:
            told = f"{type(error).__name__}: {message_of(error)}"
            self.set_status(StatusCode.ERROR, told[:_DESCRIPTION])

    def _readable_span(self) -> ReadableSpan:
        return self

    def _is_over(self, asked: str) -> bool:
        if self._end_time is None:
            return False
        _LOGGER.warning("Tried calling %s on an ended span.", asked)
        return True
