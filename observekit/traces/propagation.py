"""Trace context in headers: W3C to the letter, within limits, and never a word of it in a log."""

import re
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import quote, unquote

from opentelemetry.baggage import get_all, set_baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from observekit.traces.b3 import B3
from observekit.traces.state import MEMBERS, State, is_member

# Source: W3C Trace Context level 2, section 3.2: lower case only; version 00 ends after the flags.
_TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
# Source: version 00 has 55 characters; what a later one may add is short, or it would not be read by anyone.
_TRACEPARENT_LENGTH: Final = 512
# Source: the same, section 3.2.2.5: sampled and random-trace-id are the known flags.
_KNOWN_FLAGS: Final = 0x03
# Empty members are allowed, and nobody sends many.
_MEMBERS_AND_NOTHINGS: Final = 64
# Source: a vendor must pass on 512 characters at least; eight times that is more than any sends.
_TRACESTATE_LENGTH: Final = 4096
# Source: W3C Baggage, section 3.3.2: 8192 bytes and 64 members must be passed on; no more are.
_BAGGAGE_LENGTH: Final = 8192
_BAGGAGE_MEMBERS: Final = 64
# Source: the same, section 3.3.1: a token, and baggage-octets; OpenTelemetry has no place for properties.
# No part gives back what it took: thousands of spaces in a row would be divided up in as many ways.
_BAGGAGE_MEMBER: Final = re.compile(
    r"[ \t]*+(?P<key>[!#$%&'*+\-.^_`|~0-9A-Za-z]++)[ \t]*+=[ \t]*+"
    r"(?P<value>[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*+)[ \t]*+(?:;.*)?"
)

_BAGGAGE_KEY: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

HeaderValues = Mapping[str, list[str]]


class HeaderGetter(Getter[HeaderValues]):
    """Reads headers that were collected by name, every value of each."""

    def get(self, carrier: HeaderValues, key: str) -> list[str] | None:
        """Return all values of a header."""
        return carrier.get(key)

    def keys(self, carrier: HeaderValues) -> list[str]:
        """Return the names that are there."""
        return list(carrier)


Refused = Callable[[str], None]
"""Told why something that a caller sent was not taken; never told what it was."""


def _unheard(_: str) -> None:
    """Do nothing, where nobody counts."""


class TraceContext(TraceContextTextMapPropagator):
    """W3C Trace Context; writes as OpenTelemetry does and reads what the recommendation allows only."""

    def __init__(self, refused: Refused = _unheard) -> None:
        self._refused = refused

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return *context* with the caller's span; as it is where the headers are missing or wrong."""
        context = Context() if context is None else context
        values = getter.get(carrier, "traceparent")
        # More than one is as good as none: nobody can tell which one is true.
        parent = read_traceparent(values[0]) if values is not None and len(values) == 1 else None
        if parent is None:
            if values:
                self._refused("traceparent" if len(values) == 1 else "traceparent_twice")
            return context
        trace_id, span_id, flags = parent
        texts = getter.get(carrier, "tracestate") or []
        state = read_tracestate(texts)
        if state is None and any(map(str.strip, texts)):
            self._refused("tracestate")
        caller = SpanContext(
            trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags), trace_state=state
        )
        return set_span_in_context(NonRecordingSpan(caller), context)


class Baggage(W3CBaggagePropagator):
    """W3C Baggage; writes as OpenTelemetry does, and reads within the limits without a word about the rest.

    OpenTelemetry's own reader copies what it cannot read into a warning, up to the whole header.
    """

    def __init__(self, refused: Refused = _unheard) -> None:
        self._refused = refused

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return *context* with the caller's baggage."""
        context = Context() if context is None else context
        headers = getter.get(carrier, "baggage")
        members = read_baggage(headers) if headers else {}
        if headers and not members and any(map(str.strip, headers)):
            self._refused("baggage")
        for key, value in members.items():
            context = set_baggage(key, value, context)
        return context

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write as many members as the limits have room for, those that were set first.

        What cannot be a member is left out alone: a key that is no token, a value without a text.
        """
        members = get_all(context)
        length, written = 0, list[str]()
        for name, value in members.items():
            member = _baggage_member(name, value)
            if member is None:
                continue
            length += len(member) + 1
            if length > _BAGGAGE_LENGTH or len(written) == _BAGGAGE_MEMBERS:
                break
            written.append(member)
        if len(written) < len(members):
            self._refused("baggage_of_ours")
        if written:
            setter.set(carrier, "baggage", ",".join(written))


class HeadersOnly(CompositePropagator):
    """Propagators that find in headers all that they find: without any, none of them is asked."""

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return *context* with what the caller sent."""
        if type(carrier) is dict and not carrier:
            return Context() if context is None else context
        return super().extract(carrier, context, getter)


def read_baggage(headers: list[str]) -> dict[str, str]:
    """Return the members of all ``baggage`` headers; none where they are over the limits."""
    if sum(map(len, headers)) > _BAGGAGE_LENGTH or _members(headers) > _BAGGAGE_MEMBERS:
        return {}
    members = [text for header in headers for text in header.split(",")]
    found = filter(None, map(_BAGGAGE_MEMBER.fullmatch, members))
    return {member["key"]: unquote(member["value"]) for member in found}


def _baggage_member(name: object, value: object) -> str | None:
    """Return a member as it is written, or nothing where it cannot be; the two may be anybody's objects."""
    if not isinstance(name, str) or not _BAGGAGE_KEY.fullmatch(name):
        return None
    try:
        told = str.__str__(str(value))
    except Exception:  # noqa: BLE001 -- __str__ is the user's code, and may raise anything
        return None
    # Source: W3C Baggage, section 3.3.1: percent-encoded, with no "+" for a space, which is OpenTelemetry's.
    return f"{name}={quote(told[: _BAGGAGE_LENGTH + 1], safe='', errors='replace')}"


def _members(headers: list[str]) -> int:
    """Return how many members there are, the empty ones included, before any of them is looked at."""
    return len(headers) + sum(header.count(",") for header in headers)


def read_traceparent(header: str) -> tuple[int, int, int] | None:
    """Return trace id, span id and known flags of a ``traceparent`` header, or nothing where it is wrong."""
    if len(header) > _TRACEPARENT_LENGTH:
        return None
    found = _TRACEPARENT.fullmatch(header.strip(" \t"))
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return None
    trace_id, span_id = int(found["trace"], 16), int(found["span"], 16)
    if not trace_id or not span_id:
        return None
    return trace_id, span_id, int(found["flags"], 16) & _KNOWN_FLAGS


def read_tracestate(headers: list[str]) -> TraceState | None:
    """Return the members of all ``tracestate`` headers in order, or nothing where any of them is wrong."""
    if sum(map(len, headers)) > _TRACESTATE_LENGTH or _members(headers) > _MEMBERS_AND_NOTHINGS:
        return None
    members: dict[str, str] = {}
    for member in ",".join(headers).split(","):
        text = member.strip(" \t")
        if not text:
            continue
        key, _, value = text.partition("=")
        if key in members or not is_member(key, value):
            return None
        members[key] = value
    return State(list(members.items())) if 0 < len(members) <= MEMBERS else None


def propagator(names: tuple[str, ...], refused: Refused = _unheard) -> TextMapPropagator:
    """Return the propagator of all formats in *names*; those of other packages are loaded by entry point."""
    found: list[TextMapPropagator] = []
    for name in dict.fromkeys(names):
        if name == "tracecontext":
            found.append(TraceContext(refused))
        elif name == "baggage":
            found.append(Baggage(refused))
        elif name in {"b3", "b3multi"}:
            found.append(B3(refused, several=name == "b3multi"))
        elif name != "none":
            (entry,) = tuple(entry_points(group="opentelemetry_propagator", name=name))[:1]
            found.append(entry.load()())
    # Those of other packages may look elsewhere, as one of AWS does in the environment.
    ours = all(isinstance(one, TraceContext | Baggage | B3) for one in found)
    return HeadersOnly(found) if ours else CompositePropagator(found)
