"""What of the context leaves with a request to another host."""

from collections.abc import MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import inet_aton
from typing import Final

from opentelemetry.baggage import clear
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import CarrierT, Getter, Setter, TextMapPropagator, default_setter
from opentelemetry.propagators.textmap import default_getter as any_getter
from opentelemetry.trace import NonRecordingSpan, SpanContext, get_current_span, set_span_in_context

from observekit.traces.trust import is_near

# Source: RFC 1035: a name has 253 characters at most.
_LONGEST_NAME: Final = 253
_KNOWN: Final = 1024
# Source: RFC 6761 and 6762, ICANN's resolution on .internal, RFC 8375, and what clusters call services.
_NEAR_ENDINGS: Final = (".localhost", ".local", ".internal", ".home.arpa", ".svc")

# The host that the request under way goes to; the client's hook says so just before the headers are written.
_DESTINATION: Final[ContextVar[str | None]] = ContextVar("observekit-destination", default=None)


class Hosts:
    """Hosts by name: no name is looked up, because that may take as long as a name server likes.

    Args:
        words: ``always``, ``never``, or any of ``internal``, names, names of which all below are meant
            (``.example.com``) and networks.
    """

    __slots__ = ("_all", "_internal", "_judged", "_names", "_networks")

    def __init__(self, words: tuple[str, ...]) -> None:
        self._all = words == ("always",)
        self._internal = "internal" in words
        others = set(words) - {"always", "never", "internal"}
        self._networks = [ip_network(word) for word in others if is_network(word)]
        self._names = {word.lower() for word in others if not is_network(word)}
        self._judged = lru_cache(maxsize=_KNOWN)(self._includes)

    def include(self, host: str | None) -> bool:
        """Whether *host* is one of them; of one that is not known, only ``always`` says so."""
        if self._all or not host or len(host) > _LONGEST_NAME:
            return self._all
        return self._judged(host)

    def _includes(self, host: str) -> bool:
        host = host.lower().strip("[]").rstrip(".")
        address = _address(host)
        if address is None:
            return self._includes_name(host)
        return host in self._names or (
            (self._internal and is_near(address)) or any(address in network for network in self._networks)
        )

    def _includes_name(self, host: str) -> bool:
        # A name without a point is one of the same host, network or cluster.
        if self._internal and ("." not in host or host.endswith(_NEAR_ENDINGS)):
            return True
        labels = host.split(".")
        above = ("." + ".".join(labels[place:]) for place in range(len(labels)))
        return host in self._names or any(name in self._names for name in above)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that *host* is, in any spelling that a system takes for one."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        """It may be one all the same: 2130706433 and 0x7f.1 are 127.0.0.1 to whoever connects."""
    try:
        return IPv4Address(inet_aton(host))
    except (OSError, ValueError):  # ValueError: of a null character, or of what is no ASCII.
        return None


def is_network(word: str) -> bool:
    """Whether *word* is an address or a network."""
    try:
        ip_network(word)
    except ValueError:
        return False
    return True


class Outgoing(TextMapPropagator):
    """Writes as *words* do, and leaves out what is not for the host that a request goes to.

    Args:
        words: Reads and writes the formats.
        traced: Hosts that get the trace.
        trusted: Hosts that get baggage and tracestate too.
    """

    def __init__(self, words: TextMapPropagator, traced: Hosts, trusted: Hosts) -> None:
        self._words = words
        self._traced = traced
        self._trusted = trusted

    @property
    def fields(self) -> set[str]:
        """The headers that are read or written."""
        return self._words.fields

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = any_getter,
    ) -> Context:
        """Return *context* with what the caller sent."""
        return self._words.extract(carrier, context, getter)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write what may go to the host that was told last; without one, what may go to anyone."""
        host = _DESTINATION.get()
        if host is not None:
            _DESTINATION.set(None)
        if not self._traced.include(host):
            return
        if not self._trusted.include(host):
            context = _bare(get_current() if context is None else context)
        self._words.inject(carrier, context, setter)

    def leaving(self, host: str | None, headers: MutableMapping[str, str] | None) -> None:
        """Say where the next headers go to, and take out of *headers* what an earlier host was sent.

        Clients copy headers from one request to the next where they follow a redirect.
        """
        _DESTINATION.set(host)
        if headers is not None:
            self.strip(host, headers)

    def strip(self, host: str | None, headers: MutableMapping[str, str]) -> None:
        """Take out of *headers* what was written there for another host and is not for this one."""
        if self._trusted.include(host) and self._traced.include(host):
            return
        written: dict[str, str] = {}
        self._words.inject(written)
        allowed: dict[str, str] = {}
        if self._traced.include(host):
            self._words.inject(allowed, _bare(get_current()))
        trace = f"{get_current_span().get_span_context().trace_id:032x}"
        for name in written.keys() - allowed.keys():
            text = headers.get(name)
            # What the application has written there itself is its own.
            if text is not None and (text == written[name] or trace in text):
                del headers[name]


def _bare(context: Context) -> Context:
    """Return *context* without baggage, and with a span that has no tracestate."""
    context = clear(context)
    span = get_current_span(context).get_span_context()
    if not span.is_valid or not span.trace_state:
        return context
    bare = SpanContext(span.trace_id, span.span_id, span.is_remote, span.trace_flags)
    return set_span_in_context(NonRecordingSpan(bare), context)
